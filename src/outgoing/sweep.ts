import type { Deliverer } from './delivery.ts'

const EVERY_MS = 5_000

interface Log {
  warn(details: object, message: string): void
}

/** Looks every 5 s for hooks that are behind, on every process: who comes first delivers. The returned function ends it. */
export function startSweeping(deliverer: Deliverer, log: Log): () => Promise<void> {
  let running: Promise<void> | undefined
  const timer = setInterval(() => {
    running ??= deliverer
      .sweep()
      .catch((error: unknown) => log.warn({ err: error }, 'hooks cannot be delivered; it is tried again'))
      .finally(() => {
        running = undefined
      })
  }, EVERY_MS)
  timer.unref()
  return async () => {
    clearInterval(timer)
    deliverer.stop()
    await running
  }
}
