// Goal: a request is answered by whichever member has an answer, within its time. A large, malformed or refused answer
// is reported in words that help, without any secret.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { accessTo, type Answer, base64, Gateway } from '../../test/etcd/gateway.ts'
import { Authority } from '../../test/etcd/certificates.ts'
import { fault } from '../../test/etcd/fault.ts'
import type { EtcdAccess } from './access.ts'
import { Etcd, type EtcdOptions, PENDING_MAX } from './client.ts'
import { RESPONSE_MAX_BYTES } from './connection.ts'
import { PAGE_MAX } from './range.ts'

const ATTEMPT_MS = 300
const WITHIN_MS = 2_000
/** Of requests that are to fail once they have been tried some times. */
const SHORT: EtcdOptions = { attemptMs: 100, withinMs: 500 }

const gateways: Gateway[] = []
const clients: Etcd[] = []
afterEach(() => {
  for (const each of clients.splice(0)) each.close()
  for (const each of gateways.splice(0)) each.close()
})

async function gateway(answer: Answer): Promise<Gateway> {
  const made = await Gateway.start(answer)
  gateways.push(made)
  return made
}

function client(to: readonly { endpoint: string }[], more: Partial<EtcdAccess> = {}, options: EtcdOptions = {}): Etcd {
  const limits = { attemptMs: ATTEMPT_MS, withinMs: WITHIN_MS, random: () => 0 }
  const made = new Etcd({ ...accessTo(...to), ...more }, { ...limits, ...options })
  clients.push(made)
  return made
}

const kv = { key: base64('k'), value: base64('v'), mod_revision: '7', version: '1' }
const present: Answer = (_path, _body, response) =>
  response.end(JSON.stringify({ header: { revision: '9' }, kvs: [kv] }))
const never: Answer = () => undefined
const ending: Answer = (_path, _body, response) => response.destroy()
const failing =
  (status: number, text: string, headers: Record<string, string> = {}): Answer =>
  (_path, _body, response) =>
    response.writeHead(status, headers).end(text)
const message = (text: string): string => JSON.stringify({ error: text, message: text, code: 3 })

describe('attempts', () => {
  test('a member that hangs costs one attempt, and is asked last afterwards', async () => {
    const [hung, well] = [await gateway(never), await gateway(present)]
    const etcd = client([hung, well])
    const began = performance.now()
    expect((await etcd.get('k'))?.value).toBe('v')
    expect(performance.now() - began).toBeGreaterThanOrEqual(ATTEMPT_MS - 5)
    for (let round = 0; round < 5; round++) await etcd.get('k')
    expect(hung.asked).toHaveLength(1)
  })

  test('a member that is gone costs nothing', async () => {
    const [gone, well] = [await gateway(never), await gateway(present)]
    const etcd = client([gone, well])
    gone.close()
    const began = performance.now()
    await etcd.get('k')
    expect(performance.now() - began).toBeLessThan(WITHIN_MS)
    expect(well.asked).toHaveLength(1)
  })

  test('a time that this process was busy does not count as slow', async () => {
    const other = await gateway(present)
    const at = await gateway((path, body, response, request) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3 * ATTEMPT_MS)
      setTimeout(() => present(path, body, response, request), ATTEMPT_MS / 2)
    })
    await client([at, other]).get('k')
    expect([at.asked.length, other.asked.length]).toEqual([1, 0])
  })

  test('a member that is gone, and one that hangs, keep nobody from learning that the others have a revision', async () => {
    const behind = await gateway(present)
    const members = [await gateway(present), await gateway(never), behind]
    const etcd = client(members)
    const began = performance.now()
    expect(await etcd.applied(9, 1, 60_000)).toEqual({ applied: 2, members: 3 })
    behind.close()
    expect(await etcd.applied(9, 2, 60_000)).toEqual({ applied: 1, members: 3 })
    expect(performance.now() - began).toBeLessThan(30_000)
    expect(await etcd.applied(9, 1, 200)).toEqual({ applied: 1, members: 3 })
    expect(await etcd.applied(10, 1, 200)).toEqual({ applied: 0, members: 3 })
    const closed = etcd.applied(10, 1, 60_000)
    etcd.close()
    expect((await closed).applied).toBe(0)
  })

  test('changes of one key are not taken without a limit', async () => {
    let told = 0
    const large = { key: base64('k'), value: Buffer.alloc(500_000, 'x').toString('base64') }
    const endless = await gateway((_path, _body, response) => {
      const tell = (): void => {
        if (response.destroyed || told >= 200) return
        const event = { kv: { ...large, mod_revision: String(++told) } }
        response.write(`${JSON.stringify({ result: { header: {}, events: [event] } })}\n`)
        setImmediate(tell)
      }
      tell()
    })
    const etcd = client([endless], {}, { withinMs: 60_000, attemptMs: 30_000 })
    expect((await fault(etcd.changes('k', 1, () => false))).kind).toBe('size')
    expect(told).toBeLessThan(200)
  })

  test('the late answer of the first attempt counts', async () => {
    const slow = await gateway((path, body, response, request) => {
      setTimeout(() => present(path, body, response, request), ATTEMPT_MS * 1.6)
    })
    const hung = await gateway(never)
    expect((await client([slow, hung]).get('k'))?.value).toBe('v')
    expect([slow.asked.length, hung.asked.length]).toEqual([1, 1])
  })

  test('nobody answers: unavailable in time, and each member is named', async () => {
    const [hung, gone] = [await gateway(never), await gateway(never)]
    const etcd = client([hung, gone])
    gone.close()
    const began = performance.now()
    const error = await fault(etcd.get('k'))
    expect(performance.now() - began).toBeGreaterThanOrEqual(WITHIN_MS - 5)
    expect(error.kind).toBe('no-answer')
    expect(error.message).toBe(`no answer of etcd within ${WITHIN_MS / 1_000} s\n${gone.endpoint}: connection refused`)
  })

  test('no leader yet: the request is tried until there is one', async () => {
    let asked = 0
    const electing: Answer = (path, body, response, request) =>
      ++asked < 6
        ? failing(503, message('etcdserver: no leader'))(path, body, response, request)
        : present(path, body, response, request)
    const all = [await gateway(electing), await gateway(electing)]
    expect((await client(all).get('k'))?.value).toBe('v')
    expect(asked).toBe(6)
  })

  test('no leader in time', async () => {
    const at = await gateway(failing(503, message('etcdserver: no leader')))
    const error = await fault(client([at], {}, SHORT).get('k'))
    expect([error.kind, error.reason]).toEqual(['no-majority', 'no majority of etcd answers'])
  })

  test('a drip that never ends is given up', async () => {
    const at = await gateway((_path, _body, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(timer))
    })
    expect((await fault(client([at], {}, SHORT).get('k'))).kind).toBe('no-answer')
  })

  test('requests under way have a bound', async () => {
    const at = await gateway(never)
    const etcd = client([at], {}, { withinMs: 60_000, attemptMs: 60_000 })
    const waiting = Array.from({ length: PENDING_MAX }, async () => await fault(etcd.get('k')))
    const error = await fault(etcd.get('k'))
    expect([error.kind, error.message]).toEqual(['busy', `${PENDING_MAX} requests to etcd are waiting`])
    etcd.close()
    expect(new Set((await Promise.all(waiting)).map(({ kind }) => kind))).toEqual(new Set(['closed']))
    expect((await fault(etcd.get('k'))).kind).toBe('closed')
  })

  test('every request needs a leader, but not the question for a state', async () => {
    const headers: unknown[] = []
    const at = await gateway((path, body, response, request) => {
      headers.push(request.headers['grpc-metadata-hasleader'])
      present(path, body, response, request)
    })
    const etcd = client([at], {}, { attemptMs: 60_000, withinMs: 60_000 })
    await etcd.get('k')
    await etcd.put('k', 'v')
    await etcd.statusOf(at.endpoint)
    expect(headers).toEqual(['true', 'true', undefined])
  })
})

describe('answers', () => {
  test.each<[string, Answer, string, RegExp]>([
    ['no JSON', failing(200, 'hello'), 'no-answer', /: an answer that is not JSON$/],
    ['another shape', failing(200, '{"kvs":{}}'), 'answer', /^an answer that etcd does not give$/],
    ['a list', failing(200, '[]'), 'answer', /^an answer that etcd does not give$/],
    ['a number', failing(200, '{"header":{"revision":{}}}'), 'answer', /^an answer that etcd does not give$/],
    ['a redirect', failing(302, '', { location: 'https://127.0.0.1:1/' }), 'no-answer', /unexpected answer: HTTP 302$/],
    ['a foreign error', failing(500, 'a\u001b[31m\n'), 'no-answer', /unexpected answer: HTTP 500, a \[31m$/],
    [
      'gateway off',
      failing(404, '404 page not found\n'),
      'gateway',
      /^the JSON gateway of etcd is off.*\n.*enable-grpc-gateway: true$/,
    ],
    [
      'quota',
      failing(429, message('etcdserver: mvcc: database space exceeded')),
      'quota',
      /^the database of etcd is full\n/,
    ],
    [
      'a common name',
      failing(400, 'CommonName of client sending a request against gateway will be ignored and not used as expected\n'),
      'common-name',
      /^etcd refuses the client certificate, as it has a common name\n/,
    ],
    [
      'no password',
      failing(400, message('etcdserver: user name is empty')),
      'login',
      /^etcd asks for a name and a password$/,
    ],
    ['no lease', failing(404, message('etcdserver: requested lease not found')), 'lease', /^the lease has ended$/],
  ])('%s', async (_, answer, kind, words) => {
    const at = await gateway(answer)
    const error = await fault(client([at], {}, kind === 'no-answer' ? SHORT : {}).get('k'))
    expect([error.kind, error.message]).toEqual([kind, expect.stringMatching(words)])
  })

  test('too large, announced or not', async () => {
    const at = await gateway((_path, _body, response) => {
      response.writeHead(200)
      response.write(Buffer.alloc(RESPONSE_MAX_BYTES, 0x20))
      response.end('{}')
    })
    expect((await fault(client([at]).get('k'))).kind).toBe('size')
  })

  test('a transaction, and what its steps read', async () => {
    let asked: unknown
    const at = await gateway((_path, body, response) => {
      asked = body
      response.end(
        JSON.stringify({
          header: { revision: '12' },
          responses: [{ response_range: { kvs: [kv] } }, { response_put: {} }],
        }),
      )
    })
    const result = await client([at]).txn(
      [
        { key: 'a', version: 0 },
        { key: 'b', modRevision: '5' },
        { key: 'c', value: 'x' },
        { key: 'd', exists: true },
      ],
      [{ put: 'a', value: '1', lease: '77' }],
      [{ get: 'a' }, { put: 'b', value: '2' }, { delete: 'c' }, { getPrefix: 'p/', limit: 3 }],
    )
    expect(result).toEqual({
      won: false,
      revision: '12',
      kvs: [[{ key: 'k', value: 'v', modRevision: '7', version: '1', lease: '0' }], []],
    })
    expect(asked).toEqual({
      compare: [
        { key: base64('a'), target: 'VERSION', result: 'EQUAL', version: '0' },
        { key: base64('b'), target: 'MOD', result: 'EQUAL', mod_revision: '5' },
        { key: base64('c'), target: 'VALUE', result: 'EQUAL', value: base64('x') },
        { key: base64('d'), target: 'VERSION', result: 'GREATER', version: '0' },
      ],
      success: [{ request_put: { key: base64('a'), value: base64('1'), lease: '77' } }],
      failure: [
        { request_range: { key: base64('a') } },
        { request_put: { key: base64('b'), value: base64('2') } },
        { request_delete_range: { key: base64('c') } },
        { request_range: { key: base64('p/'), range_end: base64('p0'), limit: '3' } },
      ],
    })
  })

  test('a list comes page by page at one revision, and in smaller pages when they are large', async () => {
    const keys = Array.from({ length: 2_500 }, (_, index) => `p/${String(index).padStart(5, '0')}`)
    const asked: unknown[] = []
    const at = await gateway((_path, body, response) => {
      const { key, limit, revision } = body as unknown as { key: string; limit: string; revision?: string }
      asked.push([limit, revision])
      const from = Buffer.from(key, 'base64').toString()
      const rest = keys.filter((each) => each >= from)
      // The second page is too large until it is small.
      const large = from > keys[PAGE_MAX - 1]! && Number(limit) === PAGE_MAX
      const value = large ? 'x'.repeat(4_000) : 'x'
      const kvs = rest.slice(0, Number(limit)).map((each) => ({ key: base64(each), value: base64(value) }))
      const more = rest.length > kvs.length
      response.end(JSON.stringify({ header: { revision: '40' }, kvs, more, count: String(rest.length) }))
    })
    const listed = await client([at], {}, { attemptMs: 60_000, withinMs: 60_000 }).list('p/')
    expect(listed.revision).toBe('40')
    expect(listed.kvs.map(({ key }) => key)).toEqual(keys)
    expect(asked.slice(0, 4)).toEqual([
      ['1000', undefined],
      ['1000', '40'],
      ['100', '40'],
      ['100', '40'],
    ])
  })

  test('a list whose values are large in all is given up, so that nobody fills the memory of a host by etcd', async () => {
    let pages = 0
    const value = base64('x'.repeat(1_000_000))
    const at = await gateway((_path, body, response) => {
      pages++
      const { key } = body as unknown as { key: string }
      const kvs = [0, 1].map(
        (each) => `{"key":"${base64(`${Buffer.from(key, 'base64').toString()}${each}`)}","value":"${value}"}`,
      )
      response.end(`{"header":{"revision":"40"},"kvs":[${kvs.join()}],"more":true}`)
    })
    const error = await fault(client([at], {}, { attemptMs: 60_000, withinMs: 60_000 }).list('p/'))
    expect([error.kind, error.reason]).toEqual(['size', 'more than 64 MiB below p/'])
    expect(pages).toBeLessThan(40)
  })
})

describe('access', () => {
  test('the token is fetched once, and again when it has ended', async () => {
    let good = 1
    let logins = 0
    const at = await gateway((path, body, response, request) => {
      if (path === '/v3/auth/authenticate') {
        logins++
        expect(body).toEqual({ name: 'host', password: 'knock' })
        response.end(JSON.stringify({ token: `t${good}` }))
      } else if (request.headers.authorization === `t${good}`) present(path, body, response, request)
      else failing(401, message('etcdserver: invalid auth token'))(path, body, response, request)
    })
    const etcd = client([at], { login: { name: 'host', password: 'knock' } })
    await Promise.all(Array.from({ length: 5 }, async () => await etcd.get('k')))
    expect(logins).toBe(1)
    good++
    await Promise.all(Array.from({ length: 5 }, async () => await etcd.get('k')))
    expect(logins).toBe(2)
  })

  test('a wrong password is said, but not which', async () => {
    const at = await gateway(failing(400, message('etcdserver: authentication failed, invalid user ID or password')))
    const error = await fault(client([at], { login: { name: 'host', password: 'knock' } }).get('k'))
    expect([error.kind, error.message]).toEqual(['login', expect.not.stringContaining('knock')])
  })

  test('a token that never counts', async () => {
    const at = await gateway((path, body, response, request) => {
      if (path === '/v3/auth/authenticate') response.end('{"token":"t"}')
      else failing(401, message('etcdserver: invalid auth token'))(path, body, response, request)
    })
    expect((await fault(client([at], { login: { name: 'host', password: 'knock' } }).get('k'))).kind).toBe('token')
    expect(at.asked).toHaveLength(4)
  })

  test('every member ends the connection, as to a certificate that was revoked: that is said', async () => {
    const { kind, reason, hint } = await fault(
      client([await gateway(ending), await gateway(ending)], {}, SHORT).get('k'),
    )
    expect([kind, reason]).toEqual(['reset', 'no answer of etcd within 0.5 s'])
    expect(hint).toMatch(/^https:\/\/\S+: connection reset; https:\/\/\S+: connection reset$/)
    const mixed = client([await gateway(ending), { endpoint: 'https://127.0.0.1:1' }], {}, SHORT)
    expect((await fault(mixed.get('k'))).kind).toBe('no-answer')
  })

  test('certificates of another authority', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-other-'))
    try {
      const other = new Authority(folder)
      const at = await gateway(present)
      expect((await fault(client([at], { ca: other.ca }).get('k'))).message).toMatch(
        /^the certificate of etcd is not trusted/,
      )
      const elsewhere = { endpoint: at.endpoint.replace('127.0.0.1', 'localhost') }
      const named = await fault(client([elsewhere]).get('k'))
      expect(named.reason).toBe('the certificate of etcd is not trusted: it is for another host')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test.each([
    [[], '0 endpoints: expected 1 to 16'],
    [['http://127.0.0.1:2379'], 'not an https address: http://127.0.0.1:2379'],
    [['https://a/v3'], 'an address with a path: https://a/v3'],
    [['etcd'], 'not an address: etcd'],
  ])('endpoints %j', (endpoints, words) => {
    expect(() => new Etcd({ endpoints, ca: '', cert: '', key: '' })).toThrow(words)
  })
})
