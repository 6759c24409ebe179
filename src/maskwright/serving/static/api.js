// Talking to the service. A token, where one is needed, lives as long as the tab.

let token = sessionStorage.getItem('token') ?? ''

export function setToken(value) {
  token = value
  sessionStorage.setItem('token', value)
}

export class ServiceError extends Error {
  constructor(status, what, fix, retryAfter) {
    super(fix ? `${what}\n${fix}` : what)
    this.status = status
    this.retryAfter = retryAfter
  }
}

const headers = () => (token ? { Authorization: `Bearer ${token}` } : {})

export async function describe() {
  const answer = await fetch('/v1/model', { headers: headers() })
  const plain = await answer.json()
  if (!answer.ok) throw new ServiceError(answer.status, plain.error.what, plain.error.fix)
  return plain
}

/**
 * Sends a file; resolves to the JSON answer.
 * `progress(share)` is told how much is sent, from 0 to 1; `signal` gives up.
 */
export function segment(body, include, { progress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', `/v1/segment?format=json&include=${include.join(',')}`)
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value)
    request.responseType = 'json'
    request.upload.onprogress = (event) => progress(event.lengthComputable ? event.loaded / event.total : 0)
    request.upload.onload = () => progress(1)
    request.onerror = () => reject(new ServiceError(0, 'The service cannot be reached.', 'Is it still running?'))
    request.onabort = () => reject(new ServiceError(0, 'Given up.'))
    request.onload = () => {
      if (request.status === 200 && request.response) return resolve(request.response)
      const { what = `The service answered ${request.status}.`, fix } = request.response?.error ?? {}
      reject(new ServiceError(request.status, what, fix, Number(request.getResponseHeader('Retry-After'))))
    }
    signal.addEventListener('abort', () => request.abort())
    request.send(body)
  })
}

/** The files of an answer, from base 64. */
export async function filesOf(answer) {
  const found = {}
  for (const [name, text] of Object.entries(answer.files ?? {})) {
    if (text !== null) found[name] = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
  }
  return found
}
