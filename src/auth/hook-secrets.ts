import { randomBytes } from 'node:crypto'
import type { HookSecrets } from '#domain'
import type { SecretKey } from './secret-key.ts'

/** What hooks sign or come with: encrypted where it is kept, since it has to be read again. */
export const hookSecrets = (key: SecretKey): HookSecrets => ({
  make: () => `whsec_${randomBytes(32).toString('base64')}`,
  seal: (hookId, secret) => key.seal('hook', hookId, secret),
  unseal: (hookId, sealed) => key.unseal('hook', hookId, sealed),
})
