// Goal: a certificate near its end, or past it, is reported with what to do, before etcd refuses the host. A good one
// is not.
import { createPublicKey } from 'node:crypto'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Authority as Lab } from '../../test/etcd/certificates.ts'
import { Authority, PUBLIC_PEM, newKey } from '../postern/fleet/authority.ts'
import { endOf, judgeCertificates } from './certificates.ts'
import type { CertificateProblem } from './certificates.ts'

const DAY_MS = 86_400_000
const folder = mkdtempSync(join(tmpdir(), 'certificates-'))
const PATHS = {
  caFile: '/f/ca.crt',
  certFile: '/f/host.crt',
  keyFile: '/f/host.key',
  signKeyFile: '',
  fleetKeyFile: '',
}
const HOST = { fleet: 'home', host: 'web1', paths: PATHS }
let access: { readonly ca: string; readonly cert: string }
let now: number
beforeAll(() => {
  // The authority and the certificate are valid for 30 days and for 20.
  const authority = new Lab(join(folder, 'lab'))
  access = { ca: authority.ca, cert: authority.leaf('DNS:web1', 'clientAuth', '/O=lab', 20).cert }
  now = Date.now() + 1_000
})
afterAll(() => rmSync(folder, { recursive: true }))

const judged = (inDays: number, place: Parameters<typeof judgeCertificates>[1] = HOST): readonly CertificateProblem[] =>
  judgeCertificates(access, place, now + inDays * DAY_MS)

test('a good one has no problem', () => {
  expect(judged(0)).toEqual([])
  expect(judged(5.9)).toEqual([])
  expect(endOf(access.cert)).toBeGreaterThan(now + 19 * DAY_MS)
})

test('within 14 days of its end it is told, with what renews it', () => {
  expect(judged(6.1)).toMatchObject([{ of: 'own', isFault: false }])
  const [{ message } = { message: '' }] = judged(6.1)
  expect(message).toMatch(/^the certificate of this host \(\/f\/host\.crt\) expires on \d{4}-\d\d-\d\d \d\d:\d\d UTC: /)
  expect(message).toContain('postern fleet invite web1 --replace')
  expect(judged(6.1, { ...HOST, host: '' })[0]!.message).toMatch(/this operator .* then postern fleet init home$/)
})

test('expired, and the authority as well', () => {
  expect(judged(21)).toMatchObject([
    { of: 'own', isFault: true, message: expect.stringContaining('expired on') },
    {
      of: 'authority',
      isFault: false,
      message: expect.stringContaining("the fleet's authority (/f/ca.crt) expires on"),
    },
  ])
  expect(judged(31)).toMatchObject([{ isFault: true }, { of: 'authority', isFault: true }])
})

test('not yet valid: the clock is behind', () => {
  for (const { isFault, message } of judged(-2)) {
    expect(isFault).toBe(true)
    expect(message).toMatch(/is valid from .* on: this clock is behind: timedatectl set-ntp true$/)
  }
  expect(judged(-2)).toHaveLength(2)
})

test('what is no certificate is told', () => {
  expect(judgeCertificates({ ca: 'CA', cert: '' }, HOST, now).map(({ message }) => message.split(':')[0])).toEqual([
    'the certificate of this host (/f/host.crt) cannot be read',
    "the certificate of the fleet's authority (/f/ca.crt) cannot be read",
  ])
})

test('an authority is renewed with its key: certificates that it signed before stay good, and a file may have both', () => {
  const home = new Authority(join(folder, 'home'))
  home.make('postern fleet home')
  const old = home.cert
  const cert = home.sign('client', 'DNS:web1', createPublicKey(newKey()).export(PUBLIC_PEM).toString())
  renameSync(home.certFile, `${home.certFile}.old`)
  home.make('postern fleet home')
  expect(home.cert).not.toBe(old)
  const ca = `${readFileSync(join(folder, 'lab/ca.crt'), 'utf8')}${home.cert}`
  expect(judgeCertificates({ ca, cert }, HOST, now + 40 * DAY_MS)).toEqual([])
})
