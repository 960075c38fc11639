// Goal: an opening is committed by the daemon's own transaction, not only by the library's, and the kernel then has what the
// library would have put there. Where the table is gone, the transaction says so and changes nothing.
import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { MODULES } from './knockd.ts'
import { lab, pair } from './net.ts'
import { scratch } from './scratch.ts'

const CONFIG = '[ssh]\nSequence = 7431,9123,8020\nOpen_Ports = tcp/22, udp/53\n'

/** Runs in the namespace: prints what each commit answers, and what the kernel lists. */
function script(): string {
  return `
    import { Nftables } from '${MODULES}/native/nftables.js'
    import { guardRuleset } from '${MODULES}/firewall/guard/ruleset.js'
    import { elementsOf, openCommand } from '${MODULES}/firewall/guard/element.js'
    import { planOf } from '${MODULES}/firewall/guard/plan.js'
    import { readConfig } from '${MODULES}/config/read.js'
    import { elementTransaction } from '${MODULES}/host/element-transaction.js'
    import { parseAddress } from '${MODULES}/packet/address.js'
    const { config } = readConfig(${JSON.stringify(CONFIG)})
    const plan = planOf(config, () => true)
    const firewall = new Nftables()
    const elements = (source) => elementsOf(plan, config.doors[0], parseAddress(source))
    const listed = () => ['open4', 'open6'].map((set) => firewall.run('list set inet postern ' + set)).join('')
      .replaceAll(/expires [0-9a-z]+/g, 'expires').replaceAll(/\\s+/g, ' ')
    const results = {}
    const sources = ['192.0.2.7', '2001:db8::7']
    const install = () => firewall.run(guardRuleset(plan, [], []))
    install()
    for (const ms of [61_000, 600_000]) {
      results['commits ' + ms] = sources.map((source) => firewall.commit(elementTransaction(elements(source), ms)))
    }
    results.own = listed()
    install()
    for (const ms of [61_000, 600_000]) for (const source of sources) firewall.run(openCommand(elements(source), ms))
    results.library = listed()
    firewall.run('delete table inet postern')
    results.gone = firewall.commit(elementTransaction(elements('192.0.2.7'), 1_000))
    console.log(JSON.stringify(results))
  `
}

/** The parts of a listing, sorted: the elements of a hash set are listed in no order. */
function parts(text: unknown): readonly string[] {
  return String(text)
    .split(/[{},]/)
    .map((part) => part.trim())
    .sort()
}

lab('the transaction of an opening', () => {
  test("does what the library's does", async () => {
    const { server } = await pair()
    const file = `${scratch('transaction')}.mjs`
    writeFileSync(file, script())
    const { stdout } = await server.run([process.execPath, file])
    const { own, library, ...results } = JSON.parse(stdout) as Record<string, unknown>
    expect(results).toEqual({ 'commits 61000': [true, true], 'commits 600000': [true, true], gone: false })
    expect(own).toContain('192.0.2.7 . 6 . 22 timeout 600s')
    expect(parts(own)).toEqual(parts(library))
  })
})
