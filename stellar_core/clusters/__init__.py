"""Star clusters observed by SEGUE, whose ages are known from the literature."""
