/** Who comes to SCIM: a connector, or somebody who is let at /Me alone. */
export type { Bearer } from '#domain'
