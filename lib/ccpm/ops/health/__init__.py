"""What is wrong and how it is mended: validation, repair, the doctor."""
