"""scim2-tester, run against a SCIM server; what it found comes as one JSON line on standard output.

Arguments: the address of the server. Its token is read from standard input.
"""

import json
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server


def told(result):
    return {
        "status": result.status.name,
        "title": result.title,
        "on": result.resource_type,
        "reason": result.reason,
        "tags": sorted(result.tags),
    }


token = sys.stdin.readline().strip()
with Client(base_url=sys.argv[1], headers={"Authorization": f"Bearer {token}"}) as http:
    print(json.dumps([told(result) for result in check_server(SyncSCIMClient(http))]))
