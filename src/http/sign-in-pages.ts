import type { SignInRefusal } from '#domain'

/** What somebody who is not let in is told: nothing of whether others exist. */
export const REFUSALS: Readonly<Record<SignInRefusal | 'failed', string>> = {
  failed: 'Your identity provider did not confirm who you are, or it took too long.',
  'nothing-verified': 'Your identity provider has not verified your e-mail address, so it cannot tell who you are.',
  'unknown-organization': 'No organization here has the domain of your e-mail address.',
  'two-organizations':
    'Your account belongs to two organizations. Ask your administrator to have one of them corrected.',
  'other-organization': 'Your account has moved to another organization. Ask your administrator to move you here too.',
  'issuer-not-allowed': 'Your organization does not let people in by this identity provider.',
  'organization-inactive': 'Your organization is not active.',
  'user-inactive': 'Your account here is deactivated.',
  device: 'This is the account of shared equipment: it does not sign in here.',
  'two-users': 'Several people here have your e-mail address. Ask your administrator to have it corrected.',
  'other-sub': 'Somebody here who has your e-mail address signs in by another account of this identity provider.',
}
