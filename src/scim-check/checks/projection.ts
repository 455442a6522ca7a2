import { at, listAt, textAt } from '../answer.ts'
import { type Check, holds, resources, same, status, USER, under, withQuery } from '../check.ts'

const keys = (value: unknown): string[] =>
  Object.keys((value ?? {}) as object)
    .filter((key) => key !== 'schemas')
    .sort()

export const PROJECTION: readonly Check[] = [
  ...under(
    'RFC 7644 §3.9',
    {
      title: 'attributes= shows those, and the id',
      async run(client, state) {
        const { path } = await state.user()
        const answer = await client.get(withQuery(path, { attributes: 'userName' }))
        status(answer, 200)
        same(answer, 'attributes', keys(answer.json), ['id', 'userName'])
      },
    },
    {
      title: 'attributes= may name a part of an attribute',
      async run(client, state) {
        const { path } = await state.user()
        const answer = await client.get(withQuery(path, { attributes: 'name.familyName' }))
        same(answer, 'name', at(answer.json, 'name'), { familyName: 'Check' })
      },
    },
    {
      title: 'attributes= may name them with the URN of their schema, and in any case',
      async run(client, state) {
        const { path } = await state.user()
        const answer = await client.get(withQuery(path, { attributes: `${USER}:userName,DISPLAYNAME` }))
        same(answer, 'attributes', keys(answer.json), ['displayName', 'id', 'userName'])
      },
    },
    {
      title: 'excludedAttributes= leaves those out, but never the id',
      async run(client, state) {
        const { path } = await state.user()
        const answer = await client.get(withQuery(path, { excludedAttributes: 'emails,id' }))
        holds(answer, at(answer.json, 'emails') === undefined, 'no emails', at(answer.json, 'emails'))
        holds(
          answer,
          textAt(answer.json, 'id') !== '' && at(answer.json, 'name') !== undefined,
          'id and name',
          keys(answer.json),
        )
      },
    },
    {
      title: 'lists, too, show what was asked for',
      needs: ['filter'],
      async run(client, state) {
        await state.cast()
        const answer = await client.get(
          withQuery('/Users', { filter: state.ofCast('userName pr'), attributes: 'userName' }),
        )
        for (const one of resources(answer)) same(answer, 'attributes', keys(one), ['id', 'userName'])
      },
    },
    {
      title: 'POST, too, answers with what was asked for',
      async run(client, state) {
        const answer = await client.post('/Users?attributes=userName', state.body())
        status(answer, 201)
        same(answer, 'attributes', keys(answer.json), ['id', 'userName'])
      },
    },
    {
      title: 'excludedAttributes=members leaves the members of a group out',
      needs: ['groups'],
      async run(client, state) {
        const { path } = await state.group([await state.user()])
        const answer = await client.get(withQuery(path, { excludedAttributes: 'members' }))
        status(answer, 200)
        same(answer, 'members', listAt(answer.json, 'members'), [])
      },
    },
  ),
]
