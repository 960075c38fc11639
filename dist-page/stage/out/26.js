'use strict'
var __createBinding =
  (this && this.__createBinding) ||
  (Object.create
    ? function (o, m, k, k2) {
        if (k2 === undefined) k2 = k
        var desc = Object.getOwnPropertyDescriptor(m, k)
        if (!desc || ('get' in desc ? !m.__esModule : desc.writable || desc.configurable)) {
          desc = {
            enumerable: true,
            get: function () {
              return m[k]
            },
          }
        }
        Object.defineProperty(o, k2, desc)
      }
    : function (o, m, k, k2) {
        if (k2 === undefined) k2 = k
        o[k2] = m[k]
      })
var __setModuleDefault =
  (this && this.__setModuleDefault) ||
  (Object.create
    ? function (o, v) {
        Object.defineProperty(o, 'default', { enumerable: true, value: v })
      }
    : function (o, v) {
        o['default'] = v
      })
var __importStar =
  (this && this.__importStar) ||
  (function () {
    var ownKeys = function (o) {
      ownKeys =
        Object.getOwnPropertyNames ||
        function (o) {
          var ar = []
          for (var k in o) if (Object.prototype.hasOwnProperty.call(o, k)) ar[ar.length] = k
          return ar
        }
      return ownKeys(o)
    }
    return function (mod) {
      if (mod && mod.__esModule) return mod
      var result = {}
      if (mod != null)
        for (var k = ownKeys(mod), i = 0; i < k.length; i++) if (k[i] !== 'default') __createBinding(result, mod, k[i])
      __setModuleDefault(result, mod)
      return result
    }
  })()
Object.defineProperty(exports, '__esModule', { value: true })
exports.WebAuthnIdentity = exports.WebAuthnRecipient = void 0
exports.createCredential = createCredential
const base_1 = require('@scure/base')
const utils_js_1 = require('@noble/hashes/utils.js')
const hkdf_js_1 = require('@noble/hashes/hkdf.js')
const sha2_js_1 = require('@noble/hashes/sha2.js')
const index_js_1 = require('./index.js')
const format_js_1 = require('./format.js')
const recipients_js_1 = require('./recipients.js')
const cbor = __importStar(require('./cbor.js'))
const defaultAlgorithms = [
  { type: 'public-key', alg: -8 },
  { type: 'public-key', alg: -7 },
  { type: 'public-key', alg: -257 },
]
async function createCredential(options) {
  const cred = await navigator.credentials.create({
    publicKey: {
      rp: { name: '', id: options.rpId },
      user: {
        name: options.keyName,
        id: domBuffer((0, utils_js_1.randomBytes)(8)),
        displayName: '',
      },
      pubKeyCredParams: defaultAlgorithms,
      authenticatorSelection: {
        requireResidentKey: options.type !== 'security-key',
        residentKey: options.type !== 'security-key' ? 'required' : 'discouraged',
        userVerification: 'required',
      },
      hints: options.type === 'security-key' ? ['security-key'] : [],
      extensions: { prf: {} },
      challenge: new Uint8Array([0]).buffer,
    },
  })
  if (!cred.getClientExtensionResults().prf?.enabled) {
    throw Error('PRF extension not available (need macOS 15+, Chrome 132+)')
  }
  const rpId = options.rpId ?? new URL(window.origin).hostname
  return encodeIdentity(cred, rpId)
}
const prefix = 'AGE-PLUGIN-FIDO2PRF-'
function encodeIdentity(credential, rpId) {
  const res = credential.response
  const version = cbor.encodeUint(1)
  const credId = cbor.encodeByteString(new Uint8Array(credential.rawId))
  const rp = cbor.encodeTextString(rpId)
  const transports = cbor.encodeArray(res.getTransports())
  const identityData = new Uint8Array([...version, ...credId, ...rp, ...transports])
  return base_1.bech32.encode(prefix, base_1.bech32.toWords(identityData), false).toUpperCase()
}
function decodeIdentity(identity) {
  const { words } = base_1.bech32.decode(identity, false)
  const bytes = base_1.bech32.fromWords(words)
  if (!identity.startsWith(prefix + '1')) {
    throw Error('invalid identity')
  }
  const [version, rest1] = cbor.readUint(bytes)
  if (version !== 1) {
    throw Error('unsupported identity version')
  }
  const [credId, rest2] = cbor.readByteString(rest1)
  const [rpId, rest3] = cbor.readTextString(rest2)
  const [transports] = cbor.readArray(rest3)
  return [credId, rpId, transports]
}
const label = 'age-encryption.org/fido2prf'
class WebAuthnInternal {
  credId
  transports
  rpId
  constructor(options) {
    if (options?.identity) {
      const [credId, rpId, transports] = decodeIdentity(options.identity)
      this.credId = credId
      this.transports = transports
      this.rpId = rpId
    } else {
      this.rpId = options?.rpId
    }
  }
  async getCredential(nonce) {
    const assertion = await navigator.credentials.get({
      publicKey: {
        allowCredentials: this.credId
          ? [
              {
                id: domBuffer(this.credId),
                transports: this.transports,
                type: 'public-key',
              },
            ]
          : [],
        challenge: domBuffer((0, utils_js_1.randomBytes)(16)),
        extensions: { prf: { eval: prfInputs(nonce) } },
        userVerification: 'required',
        rpId: this.rpId,
      },
    })
    const results = assertion.getClientExtensionResults().prf?.results
    if (results === undefined) {
      throw Error('PRF extension not available (need macOS 15+, Chrome 132+)')
    }
    return results
  }
}
const index_js_2 = require('./index.js')
class WebAuthnRecipient extends WebAuthnInternal {
  async wrapFileKey(fileKey) {
    const nonce = (0, utils_js_1.randomBytes)(16)
    const results = await this.getCredential(nonce)
    const key = deriveKey(results)
    return [
      new format_js_1.Stanza(
        [label, base_1.base64nopad.encode(nonce)],
        (0, recipients_js_1.encryptFileKey)(fileKey, key),
      ),
    ]
  }
}
exports.WebAuthnRecipient = WebAuthnRecipient
class WebAuthnIdentity extends WebAuthnInternal {
  async unwrapFileKey(stanzas) {
    for (const s of stanzas) {
      if (s.args.length < 1 || s.args[0] !== label) {
        continue
      }
      if (s.args.length !== 2) {
        throw Error('invalid prf stanza')
      }
      const nonce = base_1.base64nopad.decode(s.args[1])
      if (nonce.length !== 16) {
        throw Error('invalid prf stanza')
      }
      const results = await this.getCredential(nonce)
      const key = deriveKey(results)
      const fileKey = (0, recipients_js_1.decryptFileKey)(s.body, key)
      if (fileKey !== null) return fileKey
    }
    return null
  }
}
exports.WebAuthnIdentity = WebAuthnIdentity
function prfInputs(nonce) {
  const prefix = new TextEncoder().encode(label)
  const first = new Uint8Array(prefix.length + nonce.length + 1)
  first.set(prefix, 0)
  first[prefix.length] = 0x01
  first.set(nonce, prefix.length + 1)
  const second = new Uint8Array(prefix.length + nonce.length + 1)
  second.set(prefix, 0)
  second[prefix.length] = 0x02
  second.set(nonce, prefix.length + 1)
  return { first, second }
}
function deriveKey(results) {
  if (results.second === undefined) {
    throw Error('Missing second PRF result')
  }
  const first = prfResultToBytes(results.first)
  const second = prfResultToBytes(results.second)
  const prf = new Uint8Array(first.byteLength + second.byteLength)
  prf.set(first, 0)
  prf.set(second, first.byteLength)
  return (0, hkdf_js_1.extract)(sha2_js_1.sha256, prf, new TextEncoder().encode(label))
}
function prfResultToBytes(result) {
  if (result instanceof ArrayBuffer) {
    return new Uint8Array(result)
  }
  if (ArrayBuffer.isView(result)) {
    return new Uint8Array(result.buffer, result.byteOffset, result.byteLength)
  }
  if (Array.isArray(result)) {
    return Uint8Array.from(result)
  }
  throw Error('PRF result is not a BufferSource')
}
function domBuffer(arr) {
  return arr
}
