import { asId, type Id, type MemberChange, type Membership } from '#domain'
import { conditionWithin, type Reading } from '../protocol/condition.ts'
import { equalities } from '../protocol/holds.ts'
import { badRequest } from '../protocol/messages.ts'
import { applied, isOfAll, type Operation } from '../protocol/patch.ts'
import { type ComplexValue, readValue } from '../protocol/values.ts'

/** The ids of users that are to be members. @throws ScimError `invalidValue` where one can be none. */
export function memberIds(values: readonly ComplexValue[]): Id[] {
  return values.map(({ value, type }) => {
    const id = typeof value === 'string' ? asId(value) : undefined
    if (typeof type === 'string' && type.toLowerCase() !== 'user') {
      throw badRequest('invalidValue', 'Members are users: a group is no member of a group')
    }
    if (id === undefined || id !== value) throw badRequest('invalidValue', `There is no user "${value}"`)
    return id
  })
}

/**
 * What a PATCH does to the members of a group, worked out without reading them: so that adding one to a hundred thousand
 * costs what adding one to ten does. Only a filter that asks for more than an id has them read.
 */
export class MemberEdit {
  #everybody = false
  #reads = false
  readonly #join = new Set<Id>()
  readonly #leave = new Set<Id>()

  /** False where the members have to be read for it. */
  apply(operation: Operation, reading: Reading): boolean {
    const isDone = this.#applied(operation, reading)
    this.#reads ||= !isDone
    return isDone
  }

  #applied(operation: Operation, reading: Reading): boolean {
    const { op, attribute, sub, filter, value } = operation
    if (sub) return false
    if (filter) {
      const wanted = equalities(conditionWithin(filter, attribute, [], reading))
      const { value: id, ...rest } = wanted ?? {}
      if (op !== 'remove' || typeof id !== 'string' || Object.keys(rest).length > 0) return false
      this.#drop([id], reading.strict)
      return true
    }
    const given = (readValue(attribute, value, reading.strict) ?? []) as readonly ComplexValue[] // members are several
    if (op === 'remove' && !isOfAll(value))
      this.#drop(
        given.map((one) => String(one.value)),
        reading.strict,
      )
    else {
      if (op !== 'add') this.#clear()
      for (const id of op === 'remove' ? [] : memberIds(given)) {
        this.#leave.delete(id)
        this.#join.add(id)
      }
    }
    return true
  }

  /** Likewise, over the members as they are. */
  applyTo(members: readonly Membership[], operation: Operation, reading: Reading): void {
    const before = this.#result(members)
    const after = applied({ members: before.map((value) => ({ value, type: 'User' })) }, operation, reading)
    this.#clear()
    for (const id of memberIds((after.members ?? []) as readonly ComplexValue[])) this.#join.add(id) // as above
  }

  #result(members: readonly Membership[]): Id[] {
    const stay = this.#everybody ? [] : members.map(({ userId }) => userId).filter((id) => !this.#leave.has(id))
    return [...new Set([...stay, ...this.#join])]
  }

  /** Whoever is no member is none afterwards either; nobody has an id of another form. */
  #drop(ids: readonly string[], strict: boolean): void {
    for (const text of ids) {
      const id = asId(text)
      if (id === undefined) {
        if (strict) throw badRequest('noTarget', `There is no member "${text}"`)
        continue
      }
      this.#join.delete(id)
      this.#leave.add(id)
    }
  }

  #clear(): void {
    this.#everybody = true
    this.#join.clear()
    this.#leave.clear()
  }

  /** Whom it is about, as far as that is known without the members. */
  get involved(): { readonly named: ReadonlySet<Id>; readonly everybody: boolean } {
    return { named: new Set([...this.#join, ...this.#leave]), everybody: this.#everybody || this.#reads }
  }

  get change(): MemberChange | undefined {
    if (!this.#everybody && this.#join.size === 0 && this.#leave.size === 0) return undefined
    return { ...(this.#everybody ? { others: 'leave' as const } : {}), join: this.#join, leave: this.#leave }
  }
}
