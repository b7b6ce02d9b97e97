-- compatible-from: 2
-- What each station has waiting, in the shards of the counters; the truth is the sum, and the latest
-- of ``last``. A gateway that does not keep it would spoil it.
CREATE TABLE station (
    name TEXT NOT NULL,
    shard SMALLINT NOT NULL,
    waiting BIGINT NOT NULL,
    last DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (name, shard)
);
INSERT INTO station (name, shard, waiting, last)
SELECT station, 0, sum(waits), coalesce(max(CASE WHEN waits = 1 THEN counts_as END), '-infinity')
FROM (
    SELECT station, rank - (priority - 3) * 3600.0 AS counts_as,
        CASE WHEN status IN ('pending', 'sending', 'in_doubt') THEN 1 ELSE 0 END AS waits
    FROM enrollment
) AS each GROUP BY station;
