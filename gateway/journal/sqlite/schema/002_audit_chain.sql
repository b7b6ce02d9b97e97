-- Each record carries a digest of itself and of the one before it: see journal/chain.py. Those
-- written before this have none.
ALTER TABLE audit ADD COLUMN link TEXT NOT NULL DEFAULT '';
