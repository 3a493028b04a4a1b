import cProfile, pstats, sys, os
from datetime import timedelta
from time import perf_counter, process_time
import pytest
from tests.benchmarks.test_analytics import herd, Analytics, Follower, CATCHING_UP_BATCH, _LOG
from tests.benchmarks.conftest import *
from infra.store import open_envelope
from projections.follower import _READ
def p(what, n, t, c): print(f"{what}: {n/(perf_counter()-t):,.0f}/s  cpu {n/(process_time()-c):,.0f}/s", flush=True)
@pytest.mark.bench
@pytest.mark.timeout(900)
def test_p(store):
    found = herd(store, creators=int(os.environ.get("CR","100")), videos=300, looks=34, every=timedelta(hours=6))
    n = found.observations
    f = Follower(Analytics(), pool=store.pool, codec=store.codec)
    f.register()
    for _ in range(2):
        t=perf_counter(); c=process_time()
        position=0
        with store.pool.connection() as connection:
            cursor = connection.cursor(binary=True)
            while rows := cursor.execute(_LOG, (position,)).fetchall():
                for _, name, body in rows:
                    store.codec.decode(name, body)
                position = rows[-1][0]
        p("decode", n,t,c)
    a = Analytics()
    pr = cProfile.Profile()
    if os.environ.get("PROF"): pr.enable()
    T=t=perf_counter(); C=c=process_time()
    position=0
    names=sorted(a.facts)
    while True:
        with store.pool.connection() as connection, connection.transaction(), connection.cursor(binary=True) as cursor:
            rows = cursor.execute(_READ, (names, position, 500), prepare=True).fetchall()
            if not rows: break
            a.gather(cursor, [open_envelope(r, store.codec) for r in rows if r[8] is not None])
            position = rows[-1][0]
    p("gather", n,t,c)
    for stage in a.stages:
        t=perf_counter(); c=process_time()
        while True:
            with store.pool.connection() as connection, connection.transaction(), connection.cursor(binary=True) as cursor:
                if not a.settle(cursor, stage, share=0, shares=1): break
        p(stage, n,t,c)
    pr.disable()
    p("REBUILD", n,T,C)
    with store.pool.connection() as connection:
        for r in connection.execute("select relname, pg_total_relation_size(oid) from pg_class where relname like 'analytics%' and relkind='r' order by 2 desc"): print(r[0], r[1]/n)
        print(connection.execute("select pg_total_relation_size('goatherd_events')").fetchone()[0]/n)
    if os.environ.get("PROF"): pstats.Stats(pr).sort_stats("tottime").print_stats(28)
