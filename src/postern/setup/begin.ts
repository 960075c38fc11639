import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { hashOf, keepBeside } from '../../base/config-trial.ts'
import type { ConfigTrial, ConfigTrialFile } from '../../base/config-trial.ts'
import { Firewall } from '../../base/firewall.ts'
import { syncFolder } from '../../base/root-file.ts'
import { sinceBoot } from '../../base/trial.ts'
import { Failure } from '../../cli/fault.ts'
import { cannot } from '../../file/file-error.ts'
import { TABLE } from '../../firewall/guard/element.ts'
import { spawn } from '../../native/spawn.ts'
import { readBootId } from '../../state/boot-clock.ts'
import { run } from '../../twin/agent.ts'
import { presentStatus } from '../control/present-status.ts'
import { connections, isRemote, typedIn } from '../firewall/base/session.ts'
import type { Plan } from './choices.ts'
import { KEEPER } from './service.ts'
import type { Service } from './service.ts'
import { end } from './take-back.ts'
import { giveToDaemon } from './user.ts'

/** Milliseconds that the start of the daemon may take. The trial's own time begins after it. */
const START_MAX_MS = 60_000
/** The config may hold a sequence. */
const CONFIG_MODE = 0o600

/** Returns the name under which a config is checked and rehearsed before it is in force. */
export function stagedPath(config: string): string {
  return `${config}.new`
}

/** Writes the config beside its place, so that putting it there takes one rename. @throws Error, for instance of a full disk */
export function stage(config: string, text: string, plan: Pick<Plan, 'user'>): string {
  const staged = stagedPath(config)
  try {
    rmSync(staged, { force: true })
    const fd = openSync(staged, 'wx', CONFIG_MODE)
    try {
      giveToDaemon(fd, plan)
      writeFileSync(fd, text, { flush: true })
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    rmSync(staged, { force: true })
    throw cannot(`write ${staged}`, error)
  }
  return staged
}

/** A config that is to be tried. */
export interface Beginning {
  readonly file: ConfigTrialFile
  readonly service: Service
  readonly text: string
  /** The config before; `undefined`: there was none. */
  readonly before: string | undefined
  readonly made: readonly string[]
  readonly trialMs: number
}

/**
 * Begins the trial of a config that is staged: records the state before, starts the process that takes the trial back,
 * puts the config in its place and starts the daemon. If this process is killed at any step, the next run, the keeper
 * process or the daemon takes it back.
 *
 * @throws Failure, or the system's error; all is taken back then
 */
export async function begin({ file, service, text, before, made, trialMs }: Beginning): Promise<ConfigTrial> {
  const { config } = file
  const lock = await file.lockSoon()
  try {
    if (file.read() !== undefined) throw onTrial()
    // Another set-up has the same name for what it tries.
    if (textOf(config) !== before || textOf(stagedPath(config)) !== text)
      throw new Failure(`${config} was changed meanwhile: nothing is done`, 'run this again')
    const trial: ConfigTrial = {
      id: randomUUID(),
      boot: readBootId(),
      deadline: sinceBoot() + START_MAX_MS + trialMs,
      remote: isRemote(),
      isLocal: typedIn().isLocal,
      connections: connections(),
      sum: hashOf(text),
      backup: keepBeside(config),
      made: service.bootFile === undefined ? made : [...made, service.bootFile],
      guard: guardNow(),
      starter: service.starter,
      wasRunning: (await presentStatus(config, [])) !== undefined,
      pid: undefined,
    }
    record(trial, file)
    try {
      await startKeeper(trial, config)
      await service.guardBoot()
      renameSync(stagedPath(config), config)
      syncFolder(dirname(config))
      const fault = await service.start()
      if (fault !== undefined) throw new Failure(`knockd does not start: ${fault}`, 'all is taken back')
    } catch (error) {
      await end(trial, file).catch((failure: unknown) => {
        const hint = 'it is tried again when the trial would be over'
        throw new Failure(`${(error as Error).message}\n  cannot take it back: ${(failure as Error).message}`, hint)
      })
      throw error
    }
    return await begun(trial, file, trialMs)
  } finally {
    lock.release()
  }
}

/** Returns the failure of a command that needs another trial to be over. */
export function onTrial(): Failure {
  const hint = 'sudo postern setup confirm keeps it; sudo postern setup cancel takes it back'
  return new Failure('a set-up is on trial', hint)
}

/** Returns the text of a config; `undefined`: there is no config. @throws the system's error */
export function textOf(config: string): string | undefined {
  return existsSync(config) ? readFileSync(config, 'utf8') : undefined
}

function record(trial: ConfigTrial, file: ConfigTrialFile): void {
  try {
    file.write(trial)
  } catch (error) {
    if (trial.backup !== undefined) rmSync(trial.backup, { force: true })
    throw cannot(`write ${file.path}`, error)
  }
}

/** Records the daemon's process, and has the trial's time begin now. */
async function begun(trial: ConfigTrial, file: ConfigTrialFile, trialMs: number): Promise<ConfigTrial> {
  const pid = (await presentStatus(file.config, []))?.pid
  const now = { ...trial, pid, deadline: sinceBoot() + trialMs }
  try {
    file.write(now)
    return now
  } catch {
    // A full disk lengthens the trial by the time for the start.
    return trial
  }
}

function guardNow(): string | undefined {
  const firewall = new Firewall()
  try {
    return firewall.list(TABLE)
  } finally {
    firewall.close()
  }
}

/** Starts the keeper process so that it outlives this terminal and this process: as a unit of systemd, or by itself. */
async function startKeeper({ id, starter }: ConfigTrial, config: string): Promise<void> {
  const words = [process.execPath, KEEPER, config, id]
  if (starter === 'systemd') {
    // A unit is neither ended with the login session nor gone if it is killed.
    const unit = ['--quiet', '--collect', `--unit=postern-setup-${id}`, '--property=Restart=on-failure']
    if ((await run(['systemd-run', ...unit, ...words])).code === 0) return
  }
  const [program = '', ...args] = words
  const keeper = spawn(program, args, { detached: true, stdio: 'ignore' })
  // If it does not start, the daemon and the next run take the trial back.
  keeper.unref()
}
