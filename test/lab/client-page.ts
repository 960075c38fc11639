import { createHash, X509Certificate } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { expect } from 'vitest'
import { encodeProfile } from '../../src/publish/client-profile.ts'
import { NODE_CIPHER } from '../../src/publish/page/node-cipher.ts'
import { formatSealed, keyByPassphrase, parseSealed, passphraseSlot, withSlot } from '../../src/publish/page/sealed.ts'
import { codeOf, periodAt } from '../../src/totp/code.ts'
import { fromBase32 } from '../../src/totp/base32.ts'
import { axeFindings, startChromium } from './chromium.ts'
import { program, startKnockd } from './knockd.ts'
import { Host, SERVER_4, pair } from './net.ts'
import { startNginx } from './nginx.ts'
import type { WebServer } from './nginx.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'

/** Where pictures of the page are left, if wanted. */
const { PICTURES } = process.env
export const LIMIT_MS = 180_000
const SEE_LIMIT_MS = 45_000
export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
}
export const NAME = 'gate.example.org'
export const KEY = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
export const SECRET = { key: fromBase32(KEY)!, algorithm: 'SHA1', digits: 8, periodS: 15 } as const
export const PASSPHRASE = 'correct horse battery staple'
/** A port at which HTTP answers once it is open. */
export const SERVICE = 8_080
/** The lowest work factor of scrypt that a page opens. */
export const CHEAP_WORK_FACTOR = 10

/** What the tests of a file share: a server with a web server, and a client with a browser that trusts it. */
export interface Site {
  readonly server: Host
  readonly client: Host
  readonly web: WebServer
  readonly browser: Browser
  /** A file with {@link PASSPHRASE}. */
  readonly passphrase: string
  /** Copies of the web server's folder by the pages that were made there: stretching a passphrase takes long. */
  readonly copies: Map<string, string>
}

/** Sets up both hosts. */
export const startSite = async (): Promise<Site> => {
  const { server, client } = await pair()
  client.etc('hosts', `${SERVER_4} ${NAME}\n`)
  const web = await startNginx(server)
  const passphrase = scratch('passphrase')
  writeFileSync(passphrase, `${PASSPHRASE}\n`, { mode: 0o600 })
  server.start([
    process.execPath,
    '-e',
    `require('http').createServer((_, answer) => answer.end('in')).listen(${SERVICE})`,
  ])
  const browser = await startChromium(client, trusting(web.certificate))
  return { server, client, web, browser, passphrase, copies: new Map() }
}

/** Closes every tab, stops the daemon, and takes away what it and a test left in the firewall and of the web server. */
export const tidy = async ({ browser, server, web }: Site, daemon: Process | undefined): Promise<void> => {
  for (const context of browser.contexts()) await context.close()
  await daemon?.stop()
  await server.run(['nft', 'flush', 'ruleset'])
  await web.again()
}

/** A daemon of one test. */
export interface ClientPageSet {
  readonly daemon: Process
  /** Makes a page in the web server's folder, and returns its file. */
  readonly make: (...words: readonly string[]) => Promise<string>
  /** The same, with a page that a busy machine opens at once. */
  readonly makeCheap: (...words: readonly string[]) => Promise<string>
}

/** Starts a daemon whose door a user opens by codes. */
export const startCodes = async ({ server, web: { folder }, passphrase, copies }: Site): Promise<ClientPageSet> => {
  const users = scratch('users')
  const uri = `otpauth://totp/x?secret=${KEY}&digits=8&period=${SECRET.periodS}`
  writeFileSync(users, `alice ${uri}\n`, { mode: 0o600 })
  const config = `[options]\nHide_With = drop\n[ssh]\nUsers = ${users}\nSequence = 7431\nOpen_Ports = tcp/${SERVICE}\nOpen_For = 10m\n`
  const { process: daemon, file } = await startKnockd({ host: server, config })
  const page = join(folder, 'ssh.html')
  const copied = async (what: string, make: () => Promise<void>): Promise<string> => {
    const copy = copies.get(what) ?? scratch('copy')
    if (copies.has(what)) cpSync(copy, folder, { recursive: true })
    else {
      await make()
      cpSync(folder, copy, { recursive: true })
      copies.set(what, copy)
    }
    return page
  }
  const make = async (...words: readonly string[]): Promise<string> =>
    await copied(words.join(' '), async () => {
      const own = ['page', '-c', file, '--door', 'ssh', '--host', NAME, ...words]
      const secret = words.includes('--user') ? ['--passphrase-file', passphrase] : []
      await server.run([process.execPath, program('postern'), ...own, ...secret, page])
    })
  const makeCheap = async (...words: readonly string[]): Promise<string> =>
    await copied(`cheap ${words.join(' ')}`, async () => await cheapen(await make(...words)))
  return { daemon, make, makeCheap }
}

/** Waits until an element is visible and its text matches. */
export const see = async (page: Page, selector: string, pattern: RegExp): Promise<void> =>
  await page.locator(selector).filter({ hasText: pattern, visible: true }).waitFor({ timeout: SEE_LIMIT_MS })

/** The findings of axe, and a picture in both colours and three widths. */
export const look = async (page: Page, name: string): Promise<void> => {
  expect(await axeFindings(page)).toEqual([])
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
  if (PICTURES === undefined) return
  const before = page.viewportSize()!
  for (const width of [320, 390, 1280]) {
    await page.setViewportSize({ width, height: 844 })
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: join(PICTURES, `${name}-${width}-${colorScheme}.png`), fullPage: true })
    }
  }
  await page.setViewportSize(before)
}

export const link = (protocol: string): string =>
  `${protocol}://${NAME}/ssh.html#${encodeProfile({ host: NAME, service: SERVICE, door: 'ssh', user: 'alice', means: { kind: 'codes', secret: SECRET, before: [{ protocol: 6, port: 7431 }] } })}`

export const codesNow = (): readonly string[] => {
  const period = periodAt(SECRET, Date.now())
  return [period - 1, period, period + 1].map((each) => codeOf(SECRET, each))
}
export const shown = async (page: Page): Promise<string> =>
  (await page.locator('#code').textContent())!.replace(' ', '')

export const unlock = async (page: Page, passphrase: string): Promise<void> => {
  await page.fill('#key', passphrase)
  await page.press('#key', 'Enter')
}

/** Presses the tabulator until an element has the focus. */
export const tabTo = async (page: Page, id: string): Promise<void> => {
  await until(`the focus on ${id}`, async () => {
    await page.keyboard.press('Tab')
    return (await page.evaluate('document.activeElement.id')) === id
  })
}

/** Seals the secret of a page anew, with so little work that a busy machine opens it at once. */
export const cheapen = async (file: string): Promise<void> => {
  const html = readFileSync(file, 'utf8')
  const [, text = ''] = /data-sealed="([^"]*)"/.exec(html) ?? []
  const sealed = parseSealed(text)!
  const key = (await keyByPassphrase(sealed, PASSPHRASE, NODE_CIPHER))!
  const cheap = withSlot(sealed, await passphraseSlot(key, PASSPHRASE, NODE_CIPHER, CHEAP_WORK_FACTOR))
  writeFileSync(file, html.replace(text, formatSealed(cheap)))
}

/** The flags of a browser that trusts a certificate. */
const trusting = (certificate: string): readonly string[] => {
  const { publicKey } = new X509Certificate(readFileSync(certificate))
  const der = publicKey.export({ type: 'spki', format: 'der' })
  return [`--ignore-certificate-errors-spki-list=${createHash('sha256').update(der).digest('base64')}`]
}

/** Gives a tab an authenticator whose passkeys have PRF, and at which somebody always agrees. */
export const addAuthenticator = async (page: Page): Promise<void> => {
  const protocol = await page.context().newCDPSession(page)
  await protocol.send('WebAuthn.enable')
  const options = {
    protocol: 'ctap2',
    ctap2Version: 'ctap2_1',
    transport: 'internal',
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    hasPrf: true,
    automaticPresenceSimulation: true,
  } as const
  await protocol.send('WebAuthn.addVirtualAuthenticator', { options })
}
