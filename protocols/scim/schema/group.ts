import { boolean, complex, reference, type Schema, string } from './attribute.ts'

const readOnly = { mutability: 'readOnly' } as const
const immutable = { mutability: 'immutable' } as const

/** RFC 7643 §4.2; a group is a team. */
export const GROUP: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  name: 'Group',
  description: 'A team of the organization',
  attributes: [
    string('displayName', 'The name of the group', { required: true }),
    complex(
      'members',
      'Who is in the group',
      [
        string('value', 'The id of the user', { ...immutable, caseExact: true }),
        reference('$ref', 'Where the user is', { ...immutable, caseExact: true, referenceTypes: ['User'] }),
        string('display', 'The name of the user', readOnly),
        string('type', 'Always User', { ...immutable, canonicalValues: ['User'] }),
      ],
      { multiValued: true },
    ),
  ],
}

/** What Kith knows of a team beyond a group: roles belong to people, who give them to each other in Kith. */
export const TEAM: Schema = {
  id: 'urn:ietf:params:scim:schemas:extension:kith:2.0:Group',
  name: 'Team',
  description: 'How a team is run',
  attributes: [
    string('description', 'What the team is for: a note on its group card'),
    boolean('synced', 'Whether an identity provider made the team; else people did, and at least one owner stays', {
      ...readOnly,
      returned: 'request',
    }),
    complex(
      'roles',
      'Members who may change the team: its administrators and owners',
      [
        string('value', 'The id of the user', { ...readOnly, caseExact: true }),
        reference('$ref', 'Where the user is', { ...readOnly, caseExact: true, referenceTypes: ['User'] }),
        string('display', 'The name of the user', readOnly),
        string('role', 'What the user may do', { ...readOnly, canonicalValues: ['administrator', 'owner'] }),
      ],
      { multiValued: true, ...readOnly },
    ),
  ],
}
