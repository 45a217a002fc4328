# SPDX-License-Identifier: MIT
"""HubSpot's side of a webhook: request signatures, version 3."""
import base64
import hashlib
import hmac
import json
import time


def sign_v3(secret, method, uri, body, timestamp_ms):
    """base64(HMAC-SHA256(secret, method + uri + body + timestamp)); `uri` is the public URL in full."""
    if isinstance(body, str):
        body = body.encode('utf-8')
    text = method.encode() + uri.encode() + body + str(timestamp_ms).encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def headers_v3(secret, method, uri, body, timestamp_ms=None):
    """The headers of a signed request; the time stamp is now unless given."""
    timestamp_ms = int(time.time() * 1000) if timestamp_ms is None else timestamp_ms
    return {
        'Content-Type': 'application/json',
        'X-HubSpot-Signature-v3': sign_v3(secret, method, uri, body, timestamp_ms),
        'X-HubSpot-Request-Timestamp': str(timestamp_ms),
    }


def post(client, secret, events, public_url=None, path='/webhooks/hubspot', timestamp_ms=None):
    """Sends a batch as HubSpot does; signed over `public_url` + path (default: the client's own)."""
    body = json.dumps(events).encode('utf-8')
    uri = (public_url or client.base_url) + path
    return client.post(path, body, headers=headers_v3(secret, 'POST', uri, body, timestamp_ms))
