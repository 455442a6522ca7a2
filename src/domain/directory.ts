import type { Id } from './actor.ts'
import type { Role, Team } from './teams.ts'
import type { ManagedUser } from './users.ts'

/** An attribute, or a part of one: `['name', 'familyName']`. Within one of several values, a part of it: `['type']`. */
export type AttributePath = readonly string[]

export type Comparison = 'equal' | 'contains' | 'starts' | 'ends' | 'greater' | 'at-least' | 'less' | 'at-most'

/**
 * What must hold of a user or a team. An attribute without a value fulfils no comparison, so it does fulfil the negation of
 * each. `all` of nothing always holds, `any` of nothing never.
 */
export type AttributeCondition =
  | { readonly all: readonly AttributeCondition[] }
  | { readonly any: readonly AttributeCondition[] }
  | { readonly not: AttributeCondition }
  /** One and the same value of a multi-valued attribute fulfils the condition, whose paths start at the value. */
  | { readonly some: string; readonly where: AttributeCondition }
  /** It has a value that is not empty. */
  | { readonly present: AttributePath }
  | {
      readonly path: AttributePath
      readonly compare: Comparison
      readonly value: string | boolean | Date
      /** Texts are compared in any case, but for these. */
      readonly caseExact?: boolean
    }

export interface AttributeOrder {
  readonly path: AttributePath
  readonly descending: boolean
  readonly caseExact?: boolean
  /** Of several values the primary one counts, else the first: by this part. */
  readonly part?: string
}

/** Where a page goes on: after whom, and their place in the order. */
export interface Position {
  readonly id: Id
  readonly key: string | null
}

/** A part of those who fulfil a condition: in the order asked for, then by id. */
export interface AttributeQuery {
  readonly where: AttributeCondition
  readonly order?: AttributeOrder
  readonly limit: number
  /** How many to pass over, or after whom to go on. */
  readonly from: number | Position
}

/** Somebody as an identity provider reads them. */
export interface ListedUser extends ManagedUser {
  /** Asked for or not read: empty. In the order of their names. */
  readonly teams: readonly { readonly id: Id; readonly name: string }[]
  readonly managerName?: string
  /** Their place in the order. */
  readonly key: string | null
}

export interface ListedTeam extends Team {
  readonly key: string | null
}

/** Somebody in a team, active or not. */
export interface ListedMember {
  readonly teamId: Id
  readonly userId: Id
  /** As colleagues see it; null for whoever has a user name only. */
  readonly name: string | null
  readonly role: Role
}

/** Reading an organization's users and teams by what is managed of them: each call is one query. */
export interface Directory {
  user(organizationId: Id, id: Id, teams: boolean): Promise<ListedUser | undefined>
  users(organizationId: Id, query: AttributeQuery, teams: boolean): Promise<ListedUser[]>
  countUsers(organizationId: Id, where: AttributeCondition): Promise<number>
  team(organizationId: Id, id: Id): Promise<ListedTeam | undefined>
  teams(organizationId: Id, query: AttributeQuery): Promise<ListedTeam[]>
  countTeams(organizationId: Id, where: AttributeCondition): Promise<number>
  /** Members of these teams in the order of the teams' and the users' ids, after the one given; `above`: no plain members. */
  members(
    organizationId: Id,
    teamIds: readonly Id[],
    page: {
      readonly after?: Pick<ListedMember, 'teamId' | 'userId'>
      readonly limit: number
      readonly above?: boolean
    },
  ): Promise<ListedMember[]>
}
