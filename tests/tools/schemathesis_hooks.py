"""Gives every right request a key of its own.

Otherwise most of them would be refused because their key came with another
request before, and little behind that would be tried. Wrong keys stay wrong.
"""

import re
import uuid

import schemathesis

KEY = "Idempotency-Key"
RIGHT = re.compile(r"[!-~]{1,128}")


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is not None and case.meta.generation.mode.is_negative:
        return
    key = (case.headers or {}).get(KEY)
    if isinstance(key, str) and RIGHT.fullmatch(key):
        case.headers[KEY] = f"{key[:80]}-{uuid.uuid4()}"
