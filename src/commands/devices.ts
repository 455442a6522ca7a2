import { readFile, writeFile } from 'node:fs/promises'
import { type Actor, idInName, type User } from '#domain'
import { parseVCard, readData } from '#vcard'
import type { Config } from '../config.ts'
import { type Command, table, UsageError } from './command.ts'

const actorOf = ({ organizationId, id, peopleId }: User): Actor => ({ organizationId, userId: id, peopleId })

export const passwordCommands = (config: Config): readonly Command[] => [
  {
    name: 'app-password create',
    summary: 'Makes a password for one device; it is shown once.',
    options: {
      user: { type: 'string', help: 'e-mail or id', required: true },
      label: { type: 'string', help: 'which device it is for', required: true },
    },
    run: async ({ users, appPasswords }, input) => {
      const user = await users.get(input.required('user'))
      const { id, username, password } = await appPasswords.create(user, input.required('label'))
      return {
        json: { id, username, password, url: config.publicUrl },
        text: `On the device, add a CardDAV account:\n  server     ${config.publicUrl}\n  user name  ${username}\n  password   ${password}\nThe password is not shown again.`,
      }
    },
  },
  {
    name: 'app-password list',
    summary: "Lists a user's app passwords, without the secrets.",
    options: { user: { type: 'string', help: 'e-mail or id', required: true } },
    run: async ({ users, appPasswords }, input) => {
      const all = await appPasswords.list(await users.get(input.required('user')))
      const json = all.map(({ id, label, loginName, createdAt, lastUsedAt, revokedAt }) => ({
        id,
        label,
        username: loginName,
        createdAt,
        lastUsedAt: lastUsedAt ?? null,
        revokedAt: revokedAt ?? null,
      }))
      const rows = json.map((one) => [
        one.label,
        one.revokedAt ? 'revoked' : one.lastUsedAt ? `used ${one.lastUsedAt.toISOString()}` : 'never used',
        one.id,
      ])
      return { json, text: table(['LABEL', '', 'ID'], rows) }
    },
  },
  {
    name: 'app-password revoke',
    summary: 'Ends an app password: the device is refused within a second.',
    positionals: ['ID'],
    run: async ({ appPasswords }, input) => {
      await appPasswords.revoke(input.positional(0))
      return { json: { id: input.positional(0), revoked: true }, text: 'Revoked.' }
    },
  },
]

const USER = { user: { type: 'string', help: 'e-mail or id', required: true } } as const

/** What a version is one of. */
const KINDS = { personal: 'card', override: 'changes', profile: 'own profile' } as const

export const CONTACT_COMMANDS: readonly Command[] = [
  {
    name: 'contact import',
    summary:
      "Imports a .vcf file (vCard 2.1, 3.0 or 4.0) into a user's own contacts. What is there is replaced; bad cards are told.",
    positionals: ['FILE'],
    options: USER,
    run: async ({ users, contactImport }, input) => {
      const actor = actorOf(await users.get(input.required('user')))
      const content = await readFile(input.positional(0)).catch(() => {
        throw new UsageError(`The file ${input.positional(0)} cannot be read`)
      })
      const problems: { card: number; line: number; uid?: string; code: string; problem: string }[] = []
      let imported = 0
      for await (const one of contactImport.cards(actor, 'people', content)) {
        if (one.outcome !== 'failed') {
          imported += 1
          continue
        }
        const { card, line, uid, refused } = one
        problems.push({
          card,
          line,
          ...(uid === undefined ? {} : { uid }),
          code: refused.code,
          problem: refused.message,
        })
      }
      const number = imported + problems.length
      if (number === 0) throw new UsageError(`There is no vCard in ${input.positional(0)}`)
      const told = problems.map(({ card, line, problem }) => `\n  card ${card} (line ${line}): ${problem}`).join('')
      return { json: { imported, problems }, text: `Imported ${imported} of ${number} cards.${told}` }
    },
  },
  {
    name: 'contact export',
    summary: "Writes everything in a user's book, as they see it, to a .vcf file (or to standard output).",
    options: { ...USER, output: { type: 'string', help: 'the file to write', value: 'FILE' } },
    run: async ({ users, addressBooks }, input) => {
      const actor = actorOf(await users.get(input.required('user')))
      const cards: string[] = []
      for await (const views of addressBooks.cards(actor, actor.peopleId, 'stored')) {
        for (const { card } of views) if (card) cards.push(card.text.replace(/(?<!\n)$/, '\r\n'))
      }
      const output = input.text('output')
      if (output === undefined) return { json: { cards }, text: cards.join('') }
      await writeFile(output, cards.join(''))
      return { json: { exported: cards.length, file: output }, text: `Wrote ${cards.length} cards to ${output}.` }
    },
  },
  {
    name: 'contact list',
    summary: "Lists what is in a user's book, or what they have hidden from it.",
    options: { ...USER, hidden: { type: 'boolean', help: 'the hidden cards instead' } },
    run: async ({ users, addressBooks, contacts }, input) => {
      const actor = actorOf(await users.get(input.required('user')))
      if (input.flag('hidden')) {
        const hidden = await contacts.hidden(actor)
        return {
          json: hidden,
          text: table(
            ['ID'],
            hidden.map(({ id }) => [id]),
          ),
        }
      }
      const json: { id: string; name: string; kind: string; etag: string; card: string }[] = []
      for await (const views of addressBooks.cards(actor, actor.peopleId, 'stored')) {
        for (const { name, kind, etag, card } of views) {
          const fullName = card ? readData(parseVCard(card.text)).full_name : ''
          json.push({ id: idInName(name) ?? name, name: fullName, kind, etag, card: name })
        }
      }
      json.sort((one, other) => one.name.localeCompare(other.name))
      return {
        json,
        text: table(
          ['NAME', 'KIND', 'ID'],
          json.map(({ id, name, kind }) => [name, kind, id]),
        ),
      }
    },
  },
  {
    name: 'contact history',
    summary: "Lists earlier versions of a user's own cards, and of what they changed about others: 30 days of them.",
    options: { ...USER, card: { type: 'string', help: 'of this card alone: its name or id' } },
    run: async ({ users, history }, input) => {
      const actor = actorOf(await users.get(input.required('user')))
      const versions = await history.list(actor, input.text('card'))
      const json = versions.map(({ id, kind, name, fullName, replacedAt, book = null }) => ({
        id,
        replaced: replacedAt.toISOString(),
        kind: KINDS[kind],
        book: kind === 'profile' ? 'people' : book,
        card: name,
        name: fullName,
      }))
      const rows = json.map(({ replaced, kind, name, book, id }) => [replaced, kind, name, book ?? '(deleted)', id])
      return { json, text: table(['REPLACED', 'KIND', 'NAME', 'BOOK', 'VERSION'], rows) }
    },
  },
  {
    name: 'contact restore',
    summary: 'Puts an earlier version back; what is there now is kept as a version in turn.',
    positionals: ['VERSION'],
    options: USER,
    run: async ({ users, history }, input) => {
      const actor = actorOf(await users.get(input.required('user')))
      const { id, kind, name, restoredAs } = await history.restore(actor, input.positional(0))
      const isFrozen = kind !== 'personal' && restoredAs === 'card'
      const gone = isFrozen ? " as a card of the user's own, since the colleague's is deleted" : ''
      return {
        json: { id, kind: KINDS[isFrozen ? 'personal' : kind], card: name },
        text: `Restored ${name}${gone}: devices get it at their next sync.`,
      }
    },
  },
  {
    name: 'contact unhide',
    summary: 'Shows a hidden card again.',
    positionals: ['ID'],
    options: USER,
    run: async ({ users, contacts }, input) => {
      const actor = actorOf(await users.get(input.required('user')))
      await contacts.unhide(actor, input.positional(0).toLowerCase())
      return { json: { id: input.positional(0), hidden: false }, text: 'The card is back in the book.' }
    },
  },
]
