import type { ClaimedHook, LoggedEvent, Resync } from '#domain'

/** What the receiver answered to what was sent, or why there was no answer. */
export interface Outcome {
  readonly status?: number
  /** Absent: it took it. */
  readonly error?: string
}

/** A hook with its secrets in the clear. */
export interface OpenHook extends Omit<ClaimedHook, 'lease'> {
  readonly open: readonly string[]
}

/** One way to tell a receiver. What is sent again is the same again. */
export interface Receiver {
  /** Sends the first events of those, in order; says how many of them it took, and whether it has lost what it had. */
  send(
    hook: OpenHook,
    events: readonly LoggedEvent[],
  ): Promise<Outcome & { readonly taken: number; readonly lost?: boolean }>
  /** Sends the next part of all there is; says where to go on, or nothing at the end. */
  resync(hook: OpenHook, at: Resync): Promise<Outcome & { readonly next?: Resync }>
  /** Shows that it is there, and takes what we come with. */
  test(hook: OpenHook): Promise<Outcome>
}
