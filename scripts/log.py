"""The log in another language, from docs/format.md alone.

log.py check FILE…   verifies every line; prints how many there are
log.py write FILE N  writes a log of N commits that Varve replays
"""
import json, sys, zlib

def line(obj):
    text = json.dumps(obj, ensure_ascii=False, separators=(",", ":"))
    return "%08x:%s\n" % (zlib.crc32(text.encode()), text)

def check(path):
    lines = open(path, "rb").read().rstrip(b"\0").split(b"\n")
    assert lines.pop() == b"", path
    for each in lines:
        assert int(each[:8], 16) == zlib.crc32(each[9:]) and each[8:9] == b":" and json.loads(each[9:]), each
    return len(lines)

if sys.argv[1] == "check":
    print(sum(check(path) for path in sys.argv[2:]))
else:
    with open(sys.argv[2], "w", encoding="utf-8") as log:
        for n in range(int(sys.argv[3])):
            log.write(line({"shard": "default:edge", "update": {"data": [n, "é%d" % n], "time": n, "diff": 1}}))
