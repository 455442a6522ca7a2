/** A UUID in lower case. */
export type Id = string

/** Somebody who was let in: an active user of an active organization. */
export interface Actor {
  readonly organizationId: Id
  readonly userId: Id
  /** The user's `people` book: the collection of colleagues, own cards and teams. */
  readonly peopleId: Id
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The id as it is kept, or undefined where the text is none. */
export const asId = (text: string): Id | undefined => {
  const lower = text.toLowerCase()
  return UUID.test(lower) ? lower : undefined
}
