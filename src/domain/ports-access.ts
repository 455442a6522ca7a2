import type { Actor, Id } from './actor.ts'
import type { Connector, ConnectorClient } from './connectors.ts'
import type { Identity } from './identities.ts'
import type { Said } from './sign-in-claims.ts'

export interface AppPassword {
  readonly id: Id
  readonly organizationId: Id
  readonly userId: Id
  readonly label: string
  readonly loginName: string
  readonly createdAt: Date
  readonly lastUsedAt?: Date
  readonly revokedAt?: Date
}

export interface Credentials {
  insert(password: AppPassword, secretHash: string, keyId: string): Promise<void>
  /** Whoever may come in with that name and secret: both active, the password not revoked. */
  verify(loginName: string, secretHash: string): Promise<{ actor: Actor; password: AppPassword } | undefined>
  list(userId: Id): Promise<AppPassword[]>
  revoke(id: Id): Promise<boolean>
  used(organizationId: Id, id: Id, at: Date): Promise<void>
  /** The id of the key that the database's hashes are made with; records this one if there is none yet. */
  keyId(own: string): Promise<string>
}

export interface Connectors {
  /** Does nothing where the organization has one of that name: false. */
  insertAbsent(connector: Connector): Promise<boolean>
  find(organizationId: Id, name: string): Promise<Connector | undefined>
  read(organizationId: Id, id: Id): Promise<Connector | undefined>
  /** Locked until the transaction ends. */
  lock(organizationId: Id, id: Id): Promise<Connector | undefined>
  list(organizationId?: Id): Promise<Connector[]>
  /** By name; `after` is the name of the last one of the page before. */
  page(organizationId: Id, after: string | undefined, limit: number): Promise<Connector[]>
  /** @throws DomainError `already-exists` where another one has the name */
  update(connector: Connector): Promise<void>
  /** With its tokens and clients. */
  delete(connector: Connector): Promise<void>
  /** False where the client is bound already. */
  bind(client: ConnectorClient): Promise<boolean>
  unbind(issuer: string, clientId: string): Promise<boolean>
  clients(): Promise<ConnectorClient[]>
  /** As whom the client comes, if the organization is active. */
  client(issuer: string, clientId: string): Promise<ConnectorClient | undefined>
}

/** A token of a connector, without its secret. */
export interface ApiToken {
  readonly id: Id
  readonly label: string
  readonly connector: Connector
  readonly mayWrite: boolean
  readonly createdAt: Date
  readonly expiresAt?: Date
  readonly lastUsedAt?: Date
  /** When it was revoked, or will be: a token that another has replaced goes on for a while. */
  readonly revokedAt?: Date
}

/** What is asked for in a new token. */
export interface TokenOptions {
  readonly label?: string | undefined
  readonly mayWrite?: boolean
  readonly expiresAt?: Date | undefined
}

export interface NewApiToken {
  readonly token: ApiToken
  /** Shown once; only its hash is kept. */
  readonly text: string
}

/** Makes a token and keeps it. @throws DomainError `invalid-data` */
export type IssueToken = (apiTokens: ApiTokens, connector: Connector, options: TokenOptions) => Promise<NewApiToken>

export interface ApiTokens {
  insert(token: ApiToken, secretHash: string, keyId: string): Promise<void>
  /** The token, if it is neither revoked nor expired and its organization is active; of that hash, where one is given. */
  inForce(organizationId: Id, id: Id, secretHash?: string): Promise<ApiToken | undefined>
  /** One that is neither revoked nor expired, locked until the transaction ends. */
  lock(id: Id): Promise<ApiToken | undefined>
  list(organizationId?: Id): Promise<ApiToken[]>
  /** Those of a connector that are in force, by id; `after` is the last one of the page before. */
  page(connector: Connector, after: Id | undefined, limit: number): Promise<ApiToken[]>
  /** Revokes it by then, or leaves it an earlier end; false where it is over. */
  end(id: Id, inSeconds: number): Promise<boolean>
  used(organizationId: Id, id: Id, at: Date): Promise<void>
}

export interface Identities {
  /** False where it is linked to another user. */
  link(identity: Identity, organizationId: Id, userId: Id): Promise<boolean>
  unlink(identity: Identity, organizationId: Id, userId: Id): Promise<boolean>
  /** Whoever it is, if they and their organization are active. */
  actor(identity: Identity): Promise<Actor | undefined>
  /** Whoever it is, active or not. */
  find(identity: Identity): Promise<{ readonly organizationId: Id; readonly userId: Id } | undefined>
  /** Those of the users who have a sub of the issuer. */
  known(issuer: string, organizationId: Id, userIds: readonly Id[]): Promise<Id[]>
  /** What the issuer said of the user when they last signed in. */
  said(issuer: string, organizationId: Id, userId: Id): Promise<Said | undefined>
  remember(identity: Identity, organizationId: Id, said: Said): Promise<void>
  /** Unlinks the sub from anybody else, and the user from every other sub of the issuer. */
  forget(identity: Identity, organizationId: Id, userId: Id): Promise<void>
}

/** Of somebody who has signed in on the web, without its secret. */
export interface WebSession {
  readonly organizationId: Id
  readonly id: Id
  readonly userId: Id
  /** Whose word it rests on, and as whom; absent: a link from the command line. */
  readonly issuer?: string
  readonly sub?: string
  /** What the issuer calls its own session. */
  readonly sid?: string
  readonly createdAt: Date
  readonly expiresAt: Date
}

/** Which sessions an issuer ends: those of its sub, of its session, or of both. */
export interface SessionEnd {
  readonly issuer: string
  readonly sub?: string
  readonly sid?: string
  readonly madeBefore: Date
}

export interface WebSessions {
  insert(session: WebSession, secretHash: string, keyId: string): Promise<void>
  /** Whose it is, if it is neither over nor idle for too long, and they may come in: both active, and no device. */
  inForce(
    organizationId: Id,
    id: Id,
    secretHash: string,
    idleSeconds: number,
  ): Promise<{ readonly actor: Actor; readonly lastUsedAt: Date } | undefined>
  used(organizationId: Id, id: Id): Promise<void>
  end(organizationId: Id, id: Id, secretHash: string): Promise<void>
  /** How many there were. */
  endAt(end: SessionEnd): Promise<number>
  insertLink(link: LoginLink, secretHash: string, keyId: string): Promise<void>
  /** Whose it is, once, if it is in force and they may come in. */
  useLink(organizationId: Id, id: Id, secretHash: string): Promise<Id | undefined>
  /** Forgets the sessions and links that were over by then. */
  forget(before: Date, idleSeconds: number): Promise<void>
}

/** A link that signs somebody in, once. */
export type LoginLink = Pick<WebSession, 'organizationId' | 'id' | 'userId' | 'expiresAt'>
