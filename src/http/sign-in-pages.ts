import type { SignInRefusal } from '#domain'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')

/** Markup, as opposed to text. */
class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Every value is escaped unless it is markup itself. */
export function html(strings: TemplateStringsArray, ...values: readonly (string | Html | readonly Html[])[]): Html {
  const written = values.map((value) =>
    typeof value === 'string'
      ? escaped(value)
      : [value]
          .flat()
          .map(({ text }) => text)
          .join(''),
  )
  return new Html(strings.map((string, at) => string + (written[at] ?? '')).join(''))
}

export const page = (title: string, body: Html): string =>
  html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title} – Kith</title></head>
<body><main><h1>${title}</h1>${body}</main></body></html>
`.text

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
