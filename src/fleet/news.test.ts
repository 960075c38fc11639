// Goal: what somebody writes into one part of etcd hides nothing of another part. A key beside a document is not the
// document.
import { expect, test } from 'vitest'
import { FakeEtcd } from './etcd-fake.ts'
import { Keyspace } from './keyspace.ts'
import { News } from './news.ts'
import type { Change, NewsListener, NewsSource, NewsState, Record } from './news.ts'

const KEYS = new Keyspace('home')

function listener(): NewsListener & { readonly told: string[] } {
  const told: string[] = []
  return {
    told,
    listed: (records: readonly Record[]) => void told.push(`listed ${records.map(({ value }) => value).join()}`),
    changed: (changes: readonly Change[]) => void told.push(`changed ${changes.map(({ kv }) => kv.value).join()}`),
  }
}

test('a document is its key alone, and not those beside or below it', () => {
  const etcd = new FakeEtcd()
  const hosts = listener()
  const news = new News(KEYS.scopes, () => undefined)
  news.on(KEYS.document('hosts'), hosts)
  etcd.put(`${KEYS.document('hosts')}-garbage`, 'garbage')
  etcd.put(KEYS.document('hosts'), 'good')
  etcd.put(`${KEYS.document('hosts')}/more`, 'garbage')
  news.start(etcd)
  etcd.put(`${KEYS.document('hosts')}zzz`, 'garbage')
  etcd.put(KEYS.document('hosts'), 'better')
  expect(hosts.told).toEqual(['listed good', 'changed better'])
})

test('documents are listed again without a gap in the claims, which would wait', () => {
  const etcd = new FakeEtcd()
  const [hosts, claims] = [listener(), listener()]
  const news = new News(KEYS.scopes, () => undefined)
  news.on(KEYS.document('hosts'), hosts)
  news.on(KEYS.claims, claims)
  news.start(etcd)
  news.start(etcd, KEYS.documents)
  etcd.put(KEYS.claim('one'), 'used')
  etcd.put(KEYS.document('hosts'), 'good')
  expect(claims.told).toEqual(['listed ', 'changed used'])
  expect(hosts.told).toEqual(['listed ', 'listed ', 'changed good'])
  news.close()
  etcd.put(KEYS.claim('two'), 'used')
  expect(claims.told).toHaveLength(2)
})

test('claims, openings and documents are watched apart; of documents, their keys alone are listed', () => {
  const watched: (readonly [string, readonly string[] | undefined])[] = []
  const states = new Map<string, (state: NewsState) => void>()
  const source: NewsSource = {
    watch: (prefix, told, only) => {
      watched.push([prefix, only])
      states.set(prefix, (state) => told.state(state))
      return { close: () => undefined }
    },
  }
  const heard: NewsState[] = []
  const news = new News(KEYS.scopes, (state) => void heard.push(state))
  news.start(source)
  const documents = [KEYS.document('hosts'), KEYS.document('users'), KEYS.clock]
  expect(watched).toEqual([
    [KEYS.documents, documents],
    [KEYS.claimNews, undefined],
    [KEYS.openings, undefined],
  ])
  expect(news.state).toEqual({ blind: 'etcd has not answered yet' })
  for (const state of states.values()) state('seeing')
  expect(news.state).toBe('seeing')
  const blind = { blind: 'more than 100000 keys below /postern/home/claim/' }
  states.get(KEYS.claimNews)!(blind)
  expect(news.state).toBe(blind)
  expect(heard).toEqual(['seeing', blind])
})
