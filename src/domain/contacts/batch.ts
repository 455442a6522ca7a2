import { setImmediate } from 'node:timers/promises'
import type { Actor, Id } from '../actor.ts'
import { DomainError } from '../errors.ts'
import type { Store, Transaction } from '../ports.ts'
import { ContactService } from './contact-service.ts'
import { type ContactChange, ContactDataService, type Expected } from './data-service.ts'
import type { SeenContact } from './seen.ts'

/** One of many writes: each as the method of ContactDataService that has its name, `change` being `amend`. */
export type Operation =
  | { readonly op: 'create'; readonly data: ContactChange }
  | { readonly op: 'override' | 'change'; readonly id: Id; readonly data: ContactChange; readonly expected?: Expected }
  | { readonly op: 'remove' | 'hide'; readonly id: Id; readonly expected?: Expected }
  | { readonly op: 'unhide'; readonly id: Id }

/** What came of an operation: the contact that is there now, if one is, or why not. */
export type Outcome<Told> = { readonly created: boolean; readonly contact?: Told } | { readonly refused: DomainError }

/** One refused operation, which ends all that were to be done together. */
export class OperationRefused extends Error {
  readonly at: number
  readonly refused: DomainError
  constructor(at: number, refused: DomainError) {
    super(refused.message)
    this.at = at
    this.refused = refused
  }
}

/** A store whose transactions are all parts of that one. */
const within = (transaction: Transaction): Store => ({
  ...transaction,
  transaction: (work) => work(transaction),
  joined: (work) => work(transaction),
})

const dataOf = (store: Store): ContactDataService => new ContactDataService(store, new ContactService(store))

/** Many writes in one go, in their order. */
export class ContactBatch {
  readonly #store: Store
  readonly #data: ContactDataService
  constructor(store: Store) {
    this.#store = store
    this.#data = dataOf(store)
  }

  /** Each by itself: one that is refused stops no other. `tell` makes of a contact what is kept of it. */
  async each<Told>(
    actor: Actor,
    operations: readonly Operation[],
    tell: (contact: SeenContact) => Told,
  ): Promise<Outcome<Told>[]> {
    const outcomes: Outcome<Told>[] = []
    for (const operation of operations) {
      try {
        outcomes.push(await run(this.#data, actor, operation, tell))
      } catch (error) {
        if (!(error instanceof DomainError)) throw error
        outcomes.push({ refused: error })
      }
      await setImmediate() // others are served between any two
    }
    return outcomes
  }

  /** All or none. @throws OperationRefused */
  async together<Told>(
    actor: Actor,
    operations: readonly Operation[],
    tell: (contact: SeenContact) => Told,
  ): Promise<Outcome<Told>[]> {
    return await this.#store.transaction(async (transaction) => {
      const data = dataOf(within(transaction))
      const outcomes: Outcome<Told>[] = []
      for (const [at, operation] of operations.entries()) {
        try {
          outcomes.push(await run(data, actor, operation, tell))
        } catch (error) {
          throw error instanceof DomainError && error.code !== 'unavailable' ? new OperationRefused(at, error) : error
        }
        await setImmediate()
      }
      return outcomes
    })
  }

  /** A colleague's card goes from sight, with what the person changed of it. @throws DomainError `not-found`, `invalid-data` */
  async hide(actor: Actor, id: Id, expected?: Expected): Promise<void> {
    await this.#store.transaction((transaction) => hide(dataOf(within(transaction)), actor, id, expected))
  }
}

async function run<Told>(
  data: ContactDataService,
  actor: Actor,
  operation: Operation,
  tell: (contact: SeenContact) => Told,
): Promise<Outcome<Told>> {
  switch (operation.op) {
    case 'create':
      return { created: true, contact: tell(await data.create(actor, operation.data)) }
    case 'override': {
      const { contact, created } = await data.override(actor, operation.id, operation.data, operation.expected)
      return { created, contact: tell(contact) }
    }
    case 'change':
      return {
        created: false,
        contact: tell(await data.amend(actor, operation.id, operation.data, operation.expected)),
      }
    case 'remove':
      await data.remove(actor, operation.id, operation.expected)
      return { created: false }
    case 'hide':
      await hide(data, actor, operation.id, operation.expected)
      return { created: false }
    case 'unhide': {
      const contact = await data.unhide(actor, operation.id)
      return { created: false, ...(contact ? { contact: tell(contact) } : {}) }
    }
  }
}

async function hide(data: ContactDataService, actor: Actor, id: Id, expected?: Expected): Promise<void> {
  const { kind } = await data.get(actor, id)
  if (kind === 'personal') {
    throw new DomainError('invalid-data', 'A contact of your own is deleted, not hidden', {
      problems: [{ field: 'id', problem: 'is your own' }],
    })
  }
  await data.remove(actor, id, expected)
  if (kind === 'override') await data.remove(actor, id)
}
