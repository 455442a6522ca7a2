"""Conditions and keys made up from their schemas would have nearly all that is right be refused."""

import schemathesis

NAMES = {"if-match", "if-none-match", "idempotency-key"}


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is not None and case.meta.generation.mode.is_positive:
        for name in [name for name in case.headers or {} if name.lower() in NAMES]:
            del case.headers[name]
