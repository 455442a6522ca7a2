import { binary, boolean, complex, plural, reference, type Schema, string } from './attribute.ts'

const readOnly = { mutability: 'readOnly' } as const

/** RFC 7643 §4.1, without the password: Kith keeps none. */
export const USER: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:User',
  name: 'User',
  description: 'User Account: somebody of the organization',
  attributes: [
    string('userName', 'What the person is called at sign-in, unique in the organization in any case of its letters', {
      required: true,
      uniqueness: 'server',
    }),
    complex('name', "The parts of the person's name", [
      string('formatted', 'The whole name, as it is shown'),
      string('familyName', 'The family name'),
      string('givenName', 'The given name'),
      string('middleName', 'The middle names'),
      string('honorificPrefix', 'What comes before, such as Dr'),
      string('honorificSuffix', 'What comes after, such as III'),
    ]),
    string('displayName', 'The name that colleagues see'),
    string('nickName', 'What the person likes to be called'),
    reference('profileUrl', 'A page about the person', { referenceTypes: ['external'], caseExact: true }),
    string('title', 'The job title'),
    string('userType', 'How the person stands to the organization, such as Contractor'),
    string('preferredLanguage', 'The languages that the person prefers, as in Accept-Language'),
    string('locale', 'How dates and numbers are written for the person, such as en-US'),
    string('timezone', 'The time zone, such as Europe/Vienna'),
    boolean('active', 'Whether the person is let in; who is not is in no address book either', { required: true }),
    plural('emails', 'E-mail addresses', string('value', 'The address'), ['work', 'home', 'other']),
    plural('phoneNumbers', 'Telephone numbers', string('value', 'The number'), [
      'work',
      'home',
      'mobile',
      'fax',
      'pager',
      'other',
    ]),
    plural('ims', 'Addresses for instant messages', string('value', 'The address'), [
      'aim',
      'gtalk',
      'icq',
      'xmpp',
      'msn',
      'skype',
      'qq',
      'yahoo',
    ]),
    plural(
      'photos',
      'Pictures of the person; links are not fetched',
      reference('value', 'Where the picture is, or a data: URI', { referenceTypes: ['external'], caseExact: true }),
      ['photo', 'thumbnail'],
    ),
    complex(
      'addresses',
      'Postal addresses',
      [
        string('formatted', 'The whole address, as it is written on a letter'),
        string('streetAddress', 'Street and number'),
        string('locality', 'The city'),
        string('region', 'The state or region'),
        string('postalCode', 'The postal code'),
        string('country', 'The country, ISO 3166-1 alpha-2'),
        string('type', 'What the address is for', { canonicalValues: ['work', 'home', 'other'] }),
        boolean('primary', 'Whether this is the address to use first; at most one is'),
      ],
      { multiValued: true },
    ),
    complex(
      'groups',
      'The groups that the person is in; changed through the groups',
      [
        string('value', 'The id of the group', { ...readOnly, caseExact: true }),
        reference('$ref', 'Where the group is', { ...readOnly, caseExact: true, referenceTypes: ['Group'] }),
        string('display', 'The name of the group', readOnly),
        string('type', 'Always direct', { ...readOnly, canonicalValues: ['direct'] }),
      ],
      { multiValued: true, ...readOnly },
    ),
    plural('entitlements', 'What the person is entitled to', string('value', 'The entitlement')),
    plural('roles', 'What the person is in the organization; grants nothing in Kith', string('value', 'The role')),
    plural(
      'x509Certificates',
      "The person's certificates",
      binary('value', 'The certificate: DER in base64', { caseExact: true }),
    ),
  ],
}

/** RFC 7643 §4.3 */
export const ENTERPRISE: Schema = {
  id: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  name: 'EnterpriseUser',
  description: 'Where somebody stands in an enterprise',
  attributes: [
    string('employeeNumber', 'The number that the organization knows the person by'),
    string('costCenter', 'The cost center'),
    string('organization', 'The part of the enterprise, or the company'),
    string('division', 'The division'),
    string('department', 'The department'),
    complex('manager', "The person's manager", [
      string('value', 'The id of the manager', { caseExact: true }),
      reference('$ref', 'Where the manager is', { caseExact: true, referenceTypes: ['User'] }),
      string('displayName', 'The name of the manager', readOnly),
    ]),
  ],
}
