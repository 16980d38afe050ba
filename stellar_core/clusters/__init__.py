"""Star clusters that SEGUE has observed: the only stars of SDSS whose ages are known from elsewhere."""
