"""The same question over many inputs: what goes in, how it is asked, the journal that keeps answers, what comes out."""
