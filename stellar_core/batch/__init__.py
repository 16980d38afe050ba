"""Answers for many stars: inputs in portions, groups of fixed make-up, one table out; interrupted anywhere and continued."""
