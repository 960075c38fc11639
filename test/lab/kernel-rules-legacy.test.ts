// Goal: that of kernel-rules.test.ts, with the rules of iptables-legacy.
import { kernelRules } from './kernel-rules.ts'

kernelRules('iptables-legacy')
