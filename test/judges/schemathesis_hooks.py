"""Conditions and keys made up from their schemas would have nearly all that is right be refused."""

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    positive = case.meta is not None and case.meta.generation.mode.is_positive
    dropped = {"if-match", "if-none-match", "idempotency-key"} if positive else {"if-match"}
    for name in [name for name in case.headers or {} if name.lower() in dropped]:
        del case.headers[name]
