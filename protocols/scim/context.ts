import type { Connector, Directory, TeamService, UserService } from '#domain'
import type { Reading } from './protocol/condition.ts'

/** The domain, as SCIM uses it. */
export interface Services {
  readonly users: UserService
  readonly teams: TeamService
  readonly directory: Directory
}

/** What one request is answered with. */
export interface Context extends Services, Reading {
  readonly connector: Connector
}

/** JSON text: whole, or in pieces where it may be large. */
export type Text = string | AsyncIterable<string>

/** A response before it is sent. */
export interface Answer {
  readonly status: number
  readonly body?: Text
  readonly location?: string
  readonly etag?: string
}

export const json = (status: number, body: object): Answer => ({ status, body: JSON.stringify(body) })
