// Goal: another program's change of the table is found from the kernel's news alone, and no other change is taken for
// it.
import { expect, test } from 'vitest'
import { RuleNews } from './rule-news.ts'

const OWN = 77
const OTHER = 88
/** Kinds of `<linux/netfilter/nf_tables.h>`. */
const KIND = { newTable: 0, delTable: 2, newRule: 6, newElement: 12, delElement: 14, newGeneration: 15, newObject: 18 }

function message(kind: keyof typeof KIND, port: number, table = 'postern', family = 1): Buffer {
  const name = Buffer.from(`${table}\0`)
  const attribute = Buffer.alloc(4 + ((name.length + 3) & ~3))
  attribute.writeUInt16LE(4 + name.length, 0)
  attribute.writeUInt16LE(1, 2)
  name.copy(attribute, 4)
  const header = Buffer.alloc(20)
  header.writeUInt32LE(header.length + attribute.length, 0)
  header.writeUInt16LE((10 << 8) | KIND[kind], 4)
  header.writeUInt32LE(port, 12)
  header[16] = family
  return Buffer.concat([header, attribute])
}

function newsOf(...messages: readonly Buffer[]): RuleNews {
  const news = new RuleNews('postern', (port) => port === OWN)
  for (const each of messages) news.read(each)
  return news
}

test.each([
  ['nothing', [], 'intact'],
  ['an element taken out', [message('delElement', OTHER)], 'changed'],
  ['a rule added', [message('newRule', OTHER)], 'changed'],
  ['the table taken out', [message('delElement', OTHER), message('delTable', OTHER)], 'gone'],
  ['and put back by the other', [message('delTable', OTHER), message('newTable', OTHER)], 'changed'],
  ['and put back by this process', [message('delTable', OTHER), message('newTable', OWN)], 'intact'],
  ['touched after that', [message('newTable', OWN), message('newElement', OTHER)], 'changed'],
  ['an opening of this process', [message('newElement', OWN)], 'intact'],
  ['which does not put right', [message('delElement', OTHER), message('newElement', OWN)], 'changed'],
  ['another table', [message('delTable', OTHER, 'filter')], 'intact'],
  ['a longer name', [message('delTable', OTHER, 'postern_base')], 'intact'],
  ['a table of another family', [message('delTable', OTHER, 'postern', 2)], 'intact'],
  ['counters set back', [message('newObject', OTHER)], 'intact'],
  ['the end of a transaction', [message('newGeneration', OTHER)], 'intact'],
])('%s', (_, messages, state) => {
  expect(newsOf(...messages).state).toBe(state)
  expect(newsOf(Buffer.concat([...messages])).state).toBe(state)
})

test('news that were lost, or that cannot be read, leave it unclear until it is looked at', () => {
  const news = newsOf()
  news.lost()
  expect(news.state).toBe('unclear')
  news.seenIntact()
  expect(news.state).toBe('intact')
  news.read(message('newRule', OTHER).subarray(0, 18))
  expect(news.state).toBe('unclear')
  news.read(message('newRule', OTHER))
  news.lost()
  expect(news.state).toBe('changed')
})

test('lost news leave it unclear, even if news of before the loss say that this process has installed the table', () => {
  // The kernel tells of a loss before it hands out what it has kept.
  for (const before of [[], [message('delElement', OTHER)]]) {
    const news = newsOf(...before)
    news.lost()
    news.read(message('newTable', OWN))
    expect(news.state).toBe('unclear')
    news.seenIntact()
    news.read(message('newTable', OWN))
    expect(news.state).toBe('intact')
  }
})

test('changes by others are counted, those too over which this process has installed the table', () => {
  const news = newsOf(message('newTable', OWN), message('newElement', OWN), message('delElement', OTHER, 'filter'))
  expect(news.changes).toBe(0)
  news.read(Buffer.concat([message('newElement', OWN), message('delElement', OTHER), message('newTable', OWN)]))
  expect([news.state, news.changes]).toEqual(['intact', 1])
})

test('where it cannot be told whose a message is, the table is to be looked at', () => {
  const news = new RuleNews('postern', () => undefined)
  news.read(message('newElement', OTHER))
  expect(news.state).toBe('unclear')
})
