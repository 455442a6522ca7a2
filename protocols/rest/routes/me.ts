import { type Actor, shownName } from '#domain'
import { etagOfContent, ifMatch, sendRead, sendWritten } from '../conditions.ts'
import { type App, type Context, headers, IfMatch, IfNoneMatch, json, refusals } from '../context.ts'
import { type FieldProblem, Problem } from '../problems.ts'
import { Me, MeChange } from '../schemas.ts'

/** The person who asks, and what they say of themselves that stands on no card. */
export function meRoutes(app: App, { actorOf, ownProfile, organizationWork }: Context): void {
  /** What the person reads, and the ETag of a state of it. */
  const read = async (actor: Actor) => {
    const user = await ownProfile.read(actor)
    const { organization, abilities } = await organizationWork.read(actor)
    const { attributes } = user
    const text = JSON.stringify({
      id: user.id,
      user_name: user.userName,
      email: user.email,
      full_name: shownName(attributes, user.userName),
      language: attributes.preferredLanguage ?? null,
      timezone: attributes.timezone ?? null,
      profile_id: user.profileId,
      organization: { id: organization.id, name: organization.name },
      abilities: {
        administer_organization: abilities.administer,
        own_teams: !user.isDevice,
        create_teams: abilities.createTeams,
        editable_profile_fields: abilities.editableFields ?? null,
      },
    })
    const etagOf = (version: string): string => etagOfContent(JSON.stringify([version, organization.name, abilities]))
    return { text, etagOf, etag: etagOf(user.version) }
  }

  app.get('/me', {
    exposeHeadRoute: true,
    schema: {
      operationId: 'getMe',
      tags: ['Me'],
      summary: 'Who you are, your organization, and what you may do',
      headers: headers(IfNoneMatch),
      response: { 200: json('You', Me), 304: { description: 'As you know it' }, ...refusals() },
    },
    handler: async (request, reply) => {
      const { text, etag } = await read(actorOf(request))
      return sendRead(request, reply, text, etag)
    },
  })

  app.patch('/me', {
    schema: {
      operationId: 'changeMe',
      tags: ['Me'],
      summary: 'Change your language or time zone (RFC 7396: null takes it away)',
      headers: headers(IfMatch),
      body: MeChange,
      response: { 200: json('You', Me), ...refusals(400, 412, 413, 415, 422) },
    },
    handler: async (request, reply) => {
      const actor = actorOf(request)
      const { body } = request
      assertKnown(body)
      const expected = ifMatch(request)
      const { etagOf } = await read(actor)
      await ownProfile.amend(actor, ({ attributes, version }) => {
        if (expected && !expected(etagOf(version))) {
          throw new Problem(412, 'precondition-failed', 'You are not what If-Match says: read it again')
        }
        const { preferredLanguage, timezone, ...rest } = attributes
        const language = body.language === undefined ? preferredLanguage : body.language
        const zone = body.timezone === undefined ? timezone : body.timezone
        return {
          ...rest,
          ...(language ? { preferredLanguage: language } : {}),
          ...(zone ? { timezone: zone } : {}),
        }
      })
      const { text, etag } = await read(actor)
      return sendWritten(reply, 200, text, etag)
    },
  })
}

/** @throws Problem 422 */
function assertKnown({ language, timezone }: { language?: string | null; timezone?: string | null }): void {
  const errors: FieldProblem[] = []
  if (language && !succeeds(() => Intl.getCanonicalLocales(language))) {
    errors.push({ field: 'language', problem: 'is no language tag (such as de-AT)' })
  }
  if (timezone && !succeeds(() => new Intl.DateTimeFormat('en', { timeZone: timezone }))) {
    errors.push({ field: 'timezone', problem: 'is no time zone (such as Europe/Vienna)' })
  }
  if (errors.length > 0) throw new Problem(422, 'invalid-data', 'Some fields cannot be so', { errors })
}

function succeeds(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}
