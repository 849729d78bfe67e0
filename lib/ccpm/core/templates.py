"""The texts of new PRDs, epics and tasks where nobody gives one: headings to fill in. Pure."""

from __future__ import annotations

PRD = """\
# PRD: {name}

## Executive Summary

## Problem Statement

## User Stories

## Requirements

## Success Criteria

## Constraints & Assumptions

## Out of Scope

## Dependencies
"""
EPIC = """\
# Epic: {name}

## Overview

## Architecture Decisions

## Technical Approach

## Implementation Strategy

## Task Breakdown Preview

## Dependencies

## Success Criteria (Technical)
"""
TASK = """\
# Task: {name}

## Description

## Acceptance Criteria

- [ ]

## Technical Details
"""
BUG = """\
# Bug: {name}

## Context

Found while working on #{issue}: {title}

## Steps to Reproduce

## Expected and Actual

## Acceptance Criteria

- [ ] The bug is fixed
- [ ] What #{issue} does otherwise is as before
"""
