import cProfile, pstats, sys, os, resource, threading
from datetime import timedelta
from time import perf_counter, process_time
import pytest
from tests.benchmarks.test_analytics import herd, Analytics, Follower, CATCHING_UP_BATCH, _LOG
from tests.benchmarks.conftest import *
from projections.rebuilding import rebuild
def p(what, n, t, c): print(f"{what}: {n/(perf_counter()-t):,.0f}/s  cpu {n/(process_time()-c):,.0f}/s", flush=True)
@pytest.mark.bench
@pytest.mark.timeout(900)
def test_p(store):
    found = herd(store, creators=int(os.environ.get("CR","28")), videos=300, looks=int(os.environ.get("LOOKS","120")), every=timedelta(hours=6))
    n = found.observations
    def decode():
        t=perf_counter(); c=process_time()
        position=0
        with store.pool.connection() as connection:
            cursor = connection.cursor(binary=True)
            while rows := cursor.execute(_LOG, (position,)).fetchall():
                for _, name, body in rows:
                    store.codec.decode(name, body)
                position = rows[-1][0]
        p("decode", n,t,c)
    decode()
    f = Follower(Analytics(), pool=store.pool, codec=store.codec)
    f.register()
    t=perf_counter(); c=process_time()
    f.catch_up()
    p("follower", n,t,c)
    marks=[]
    t0=perf_counter(); c=process_time()
    pr = cProfile.Profile()
    if os.environ.get("PROF"): pr.enable()
    def watch(r):
        if not marks or marks[-1][1:]!=(r.status, r.stage): marks.append((round(perf_counter()-t0,2), r.status, r.stage))
    r = rebuild(store, Analytics(), by="bench", watch=watch)
    pr.disable()
    p("REBUILD", n,t0,c)
    print(marks, r.swap, r.comparison.sentence() if hasattr(r.comparison,'sentence') else '')
    print("maxrss MB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024)
    decode()
    if os.environ.get("PROF"): pstats.Stats(pr).sort_stats("tottime").print_stats(28)
import projections.analytics_looks as al, psycopg
from collections import Counter
W=Counter(); N=Counter()
_orig=psycopg.Cursor.execute
def ex(self, q, *a, **k):
    t=perf_counter()
    try: return _orig(self,q,*a,**k)
    finally:
        key=" ".join(str(q).split())[:60]; W[key]+=perf_counter()-t; N[key]+=1
if os.environ.get("SQLT"): psycopg.Cursor.execute=ex
@pytest.fixture(autouse=True)
def rep():
    yield
    for k,v in W.most_common(14): print(f"{v:.2f} {N[k]} {k}")
