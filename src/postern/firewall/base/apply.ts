import { randomUUID } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { endOverdue, rollBack } from '../../../base/end-trial.ts'
import { BaseFiles } from '../../../base/files.ts'
import { Firewall } from '../../../base/firewall.ts'
import { servicesText } from '../../../base/problem.ts'
import { sinceBoot } from '../../../base/trial.ts'
import type { Trial } from '../../../base/trial.ts'
import { CONFIG_UNUSABLE, DONE, FAILED } from '../../../cli/exit-code.ts'
import type { Output } from '../../../cli/output.ts'
import type { Config } from '../../../config/config.ts'
import { hasCommands } from '../../../config/door-commands.ts'
import { quote } from '../../../text/fault.ts'
import { readListing } from '../../../firewall/base/listing.ts'
import { commandDoorsOf } from '../../../firewall/base/misfit.ts'
import { BASE_TABLE, baseRuleset } from '../../../firewall/base/ruleset.ts'
import { TABLE } from '../../../firewall/guard/element.ts'
import { KERNEL_TABLE } from '../../../firewall/kernel-only/nft.ts'
import { spawn } from '../../../native/spawn.ts'
import { readBootId } from '../../../state/boot-clock.ts'
import { examineAloud } from '../../check/check.ts'
import { differing } from '../difference.ts'
import type { TrialArguments } from './arguments.ts'
import { canonical } from './canonical.ts'
import { confirmTrial } from './confirm.ts'
import { rulesOf } from './rules.ts'
import type { Rules } from './rules.ts'
import { connections, isRemote, typedIn } from './session.ts'
import { awaitVerdict } from './verdict.ts'

/** Seconds that the kernel waits after the deadline. The keeper process takes the rules back before that. */
const KERNEL_SPARE_S = 5
const KEEPER = fileURLToPath(new URL('../../../bin/firewall-keeper.js', import.meta.url))

/**
 * Runs `postern firewall apply`: loads the base ruleset on trial, and waits until it is confirmed or taken back.
 *
 * @returns the exit code
 */
export async function apply(asked: TrialArguments, output: Output): Promise<number> {
  const config = examineAloud(asked.file, output)
  if (config === undefined) return CONFIG_UNUSABLE
  const rules = rulesOf(config, asked)
  const firewall = new Firewall()
  try {
    if (asked.dryRun) {
      output.out(await difference(firewall, rules))
      return DONE
    }
    warnOfDoors(config, output)
    if (!asked.beside && standsBeside(firewall, output)) return FAILED
    const files = new BaseFiles()
    // The changes are shown if the rules can be listed in a namespace; the trial does not depend on it.
    const changes = await difference(firewall, rules).catch(() => '')
    const trial = await begin({ firewall, files, asked, rules, config, output })
    return await untilOver(trial, `${changes}${explanation(trial, rules, asked)}`, { firewall, files, output })
  } finally {
    firewall.close()
  }
}

/** Formats the changes of the rules, in the firewall's own listing. */
async function difference(firewall: Firewall, rules: Rules): Promise<string> {
  const parts = [BASE_TABLE, ...(rules.guard === '' || firewall.list(TABLE) !== undefined ? [] : [TABLE])]
  // Each start of a program that lists them takes longer than the listing.
  const listed = await canonical(parts, parts.length === 1 ? rules.kept : `${rules.kept}\n${rules.guard}`, true)
  const texts = parts.flatMap((table, index) => {
    const [before, after = ''] = [firewall.list(table, true), listed[index]]
    return before === after ? [] : [differing(`table ${table}`, before, after)]
  })
  return texts.length === 0 ? 'no changes: these rules are in force already\n' : `${rules.printedBy}${texts.join('')}`
}

function warnOfDoors({ doors, file }: Config, output: Output): void {
  for (const { name, line } of doors.filter(hasCommands)) {
    const what = `${file}:${line}:1: warning: door ${quote(name)} runs a command: a rule that it adds to another table does not open the base ruleset`
    output.err(`${what}\n    use Open_Ports, or name the port with --allow\n`)
  }
}

/** Returns true, and prints a message, if rules of other programs filter incoming packets as well. */
function standsBeside(firewall: Firewall, output: Output): boolean {
  const others = firewall.others([BASE_TABLE, TABLE, KERNEL_TABLE])
  if (others.length === 0) return false
  const list = others.map(({ name, policy }) => `  ${name}, policy ${policy}\n`).join('')
  output.err(`postern: this machine has other rules, which stay and filter incoming packets as well:\n${list}`)
  output.err('  --beside loads this ruleset beside them; nothing has changed\n')
  return true
}

interface Beginning {
  readonly firewall: Firewall
  readonly files: BaseFiles
  readonly asked: TrialArguments
  readonly rules: Rules
  readonly config: Config
  readonly output: Output
}

async function begin({ firewall, files, asked, rules, config, output }: Beginning): Promise<Trial> {
  const lock = await files.lockSoon()
  try {
    if (endOverdue(files, firewall) === 'taken back') {
      output.err('postern: the trial before this one was not confirmed: it is taken back\n')
    }
    if (files.trial.read() !== undefined) {
      throw new Error('another ruleset is on trial\n  postern firewall confirm keeps it, its deadline takes it back')
    }
    const trial = trialOf(asked, rules, config, stateBefore(firewall, files))
    files.trial.write(trial)
    try {
      startKeeper(trial.id)
      const guardThere = firewall.list(TABLE) !== undefined
      const trialS = Math.ceil(asked.trialMs / 1000) + KERNEL_SPARE_S
      firewall.run(baseRuleset(rules.plan, { guardThere, trialS }))
    } catch (error) {
      files.trial.remove()
      throw error
    }
    return trial
  } finally {
    lock.release()
  }
}

/** Returns the rules to load after a trial. Rules left by an earlier trial do not count: they let everybody in. */
function stateBefore(firewall: Firewall, { confirmed }: BaseFiles): string | undefined {
  const listed = firewall.list(BASE_TABLE)
  return readListing(listed) === 'trial' ? confirmed.readIfUsable()?.rules : listed
}

function trialOf(asked: TrialArguments, rules: Rules, config: Config, listed: string | undefined): Trial {
  const id = randomUUID()
  const boot = readBootId()
  const { plan, kept, file, guard } = rules
  return {
    id,
    boot,
    deadline: sinceBoot() + asked.trialMs,
    before: listed,
    confirmed: {
      id,
      boot,
      since: Date.now(),
      rules: kept,
      config: realpathSync(config.file),
      allowed: servicesText(plan.allowed),
      guarded: servicesText(plan.guarded),
      commandDoors: commandDoorsOf(config),
      beside: asked.beside,
      persist: asked.persist ? file : undefined,
      replace: asked.replace,
    },
    guard,
    remote: isRemote(),
    isLocal: typedIn().isLocal,
    connections: connections(),
  }
}

/** Starts the keeper process in a session of its own, so that it outlives this terminal and this process. */
function startKeeper(id: string): void {
  const keeper = spawn(process.execPath, [KEEPER, id], { detached: true, stdio: 'ignore' })
  // If the keeper does not start, the kernel's time limit still ends the trial, and lets everybody in.
  keeper.on('error', () => undefined)
  keeper.unref()
}

function explanation({ remote }: Trial, { plan }: Rules, { trialMs }: TrialArguments): string {
  const how = remote
    ? 'to keep it, log in over a new connection and run there: sudo postern firewall confirm'
    : 'to keep it: postern firewall confirm, over a new connection or here; or type yes'
  const knock =
    plan.guarded.length > 0 ? '\n  (guarded ports open for anyone who sends the correct knock, if knockd runs)' : ''
  return `the base ruleset is in force, for ${trialMs / 1000} s, on trial\n  ${how}${knock}\n`
}

async function untilOver(
  trial: Trial,
  what: string,
  { firewall, files, output }: Pick<Beginning, 'firewall' | 'files' | 'output'>,
): Promise<number> {
  const verdict = awaitVerdict(trial, {
    read: () => files.trial.read(),
    confirm: async () => await confirmTrial(output),
    takeBack: () => void rollBack(trial.id, files, firewall),
  })
  output.err(what)
  const code = await verdict
  if (code !== undefined) return code
  const confirmed = await files.wasConfirmed(trial.id)
  output.err(
    confirmed
      ? 'confirmed: it stays\n'
      : 'not confirmed: it is taken back, and the previous rules are in force again\n',
  )
  return confirmed ? DONE : FAILED
}
