import type { Actor } from './actor.ts'
import type { Store } from './ports.ts'

export interface KeptAnswer {
  /** Which request it was. */
  readonly request: string
  readonly answer: string
}

/** Answers of the last day, by the key that a person gave the request. */
export interface KeptAnswers {
  /** Has the key until the transaction ends; false where another one has it. */
  claim(actor: Actor, key: string): Promise<boolean>
  find(actor: Actor, key: string): Promise<KeptAnswer | undefined>
  keep(actor: Actor, key: string, kept: KeptAnswer): Promise<void>
  forget(before: Date): Promise<void>
}

export type Outcome<Answer> =
  | { readonly kind: 'done'; readonly answer: Answer }
  /** It was done before: what was kept then. */
  | { readonly kind: 'repeated'; readonly kept: string }
  /** The key was given to another request. */
  | { readonly kind: 'reused' }
  | { readonly kind: 'running' }

/** Does what a person asks for under a key at most once in a day. */
export class Once {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  /**
   * What `work` does is there if and only if its answer is kept: both are in one transaction. A refusal that it throws
   * undoes all, and frees the key.
   * @param kept the answer as it is kept for repeats
   */
  run<Answer>(
    actor: Actor,
    key: string,
    request: string,
    work: () => Promise<Answer>,
    kept: (answer: Answer) => string,
  ): Promise<Outcome<Answer>> {
    return this.#store.joined(async ({ keptAnswers }): Promise<Outcome<Answer>> => {
      if (!(await keptAnswers.claim(actor, key))) return { kind: 'running' }
      const before = await keptAnswers.find(actor, key)
      if (before) return before.request === request ? { kind: 'repeated', kept: before.answer } : { kind: 'reused' }
      const answer = await work()
      await keptAnswers.keep(actor, key, { request, answer: kept(answer) })
      return { kind: 'done', answer }
    })
  }
}
