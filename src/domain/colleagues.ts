import type { Actor, Id } from './actor.ts'
import { type ContactPosition, type ContactSearch, readSearch } from './contacts/seen.ts'
import { notFound } from './errors.ts'
import type { Scope } from './organizations.ts'
import type { Store } from './ports.ts'
import type { ManagedUser } from './users.ts'

/** An active user as a colleague finds them. */
export interface Colleague extends ManagedUser {
  readonly position: ContactPosition
}

/** Who looks: administrators see everybody, others as far as their scope lets them. */
export interface Viewer {
  readonly isStaff: boolean
  readonly scope: Scope
}

export interface ColleaguePage {
  readonly viewer: Viewer
  readonly items: readonly Colleague[]
  /** Where the next page starts, if there is one. */
  readonly next?: ContactPosition
}

/** Reading an organization's active users as one of them sees them: whoever their book may show, and themselves. */
export interface Colleagues {
  viewer(actor: Actor): Promise<Viewer | undefined>
  find(actor: Actor, scope: Scope, id: Id): Promise<Colleague | undefined>
  /** In the order of positions: without a search by id, else the best first. */
  page(
    actor: Actor,
    scope: Scope,
    search: ContactSearch,
    after: ContactPosition | undefined,
    limit: number,
  ): Promise<Colleague[]>
}

export class ColleagueService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /** Those whose names, e-mail or userName `q` finds, the best first; without it all. */
  async page(actor: Actor, q: string, after: ContactPosition | undefined, limit: number): Promise<ColleaguePage> {
    const viewer = await this.#viewer(actor)
    const { words } = readSearch(q)
    const found = await this.#store.colleagues.page(actor, reach(viewer), { words }, after, limit + 1)
    const items = found.slice(0, limit)
    const last = items.at(-1)
    return { viewer, items, ...(found.length > limit && last ? { next: last.position } : {}) }
  }

  /** @throws DomainError `not-found` */
  async get(actor: Actor, id: Id): Promise<{ readonly viewer: Viewer; readonly colleague: Colleague }> {
    const viewer = await this.#viewer(actor)
    const colleague = await this.#store.colleagues.find(actor, reach(viewer), id)
    if (!colleague) throw notFound()
    return { viewer, colleague }
  }

  async #viewer(actor: Actor): Promise<Viewer> {
    const viewer = await this.#store.colleagues.viewer(actor)
    if (!viewer) throw notFound('You are no user any more')
    return viewer
  }
}

const reach = ({ isStaff, scope }: Viewer): Scope => (isStaff ? 'everyone' : scope)
