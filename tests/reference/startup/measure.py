"""How long graph-run takes to start, and how much memory a small graph needs: python3 measure.py target/release/graph-run"""
import subprocess,resource,time,os,shutil,json
import sys,tempfile; d=tempfile.mkdtemp()
open(d+'/s.ron','w').write('Graph(kiln: 1, nodes: { "p": (type: "NoiseImage", with: { "size": (512, 512), "seed": 7 }), "i": (type: "ImageInvert", from: { "image": "p.image" }), "s": (type: "SaveImage", from: { "image": "i.image" }, with: { "name": "one" }) })')
env=dict(os.environ,KILN_CACHE=d+'/cache')
B=os.path.abspath(sys.argv[1])
def run(args):
    t=time.time(); p=subprocess.Popen([B]+args,cwd=d,env=env,stdout=subprocess.PIPE,stderr=subprocess.PIPE)
    first=None
    for line in p.stdout:
        if first is None and b'"event":"started"' in line: first=time.time()-t
    _,st,ru=os.wait4(p.pid,0)
    return first,time.time()-t,ru.ru_maxrss/1024,ru.ru_utime+ru.ru_stime
cold=[];
for i in range(11):
    shutil.rmtree(d+'/out',ignore_errors=True); shutil.rmtree(d+'/cache',ignore_errors=True)
    cold.append(run(['s.ron','--events']))
f=sorted(c[0] for c in cold)[5]; w=sorted(c[1] for c in cold)[5]; m=max(c[2] for c in cold)
print("cold: first node %.1f ms, whole %.1f ms, peak %.1f MB"%(f*1e3,w*1e3,m))
again=[run(['s.ron','--events']) for _ in range(11)]
print("again: whole %.1f ms, peak %.1f MB, cpu %.1f ms"%(sorted(c[1] for c in again)[5]*1e3,max(c[2] for c in again),sorted(c[3] for c in again)[5]*1e3))
