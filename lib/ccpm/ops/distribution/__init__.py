"""Who does which task: claims, the board, stealing, plans of work, evidence."""
