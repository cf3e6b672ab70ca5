// src/dom.ts
function element(name, attributes = {}, ...children) {
	const made = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) if (typeof value === "function") made.addEventListener(key, value);
	else if (value === true) made.setAttribute(key, "");
	else if (value !== false && value !== null && value !== void 0) made.setAttribute(key, String(value));
	made.append(...present(children));
	return made;
}
/** An element of a drawing. */
function drawn(name, attributes, ...children) {
	const made = document.createElementNS("http://www.w3.org/2000/svg", name);
	for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
	made.append(...children);
	return made;
}
function present(children) {
	return children.filter((child) => child !== null && child !== void 0 && child !== false);
}
var numbered = 0;
/** An id for a label to name. */
function freshId() {
	numbered += 1;
	return `field-${numbered}`;
}
/** Long enough to be read, and then out of the way. */
var TOLD_FOR = 1e4;
var telling;
/** Tells what happened, to eyes and to screen readers. */
function tell(what) {
	const status = document.getElementById("status");
	if (!status) return;
	clearTimeout(telling);
	status.textContent = what;
	telling = setTimeout(() => {
		status.textContent = "";
	}, TOLD_FOR);
}
/** Runs what a button or form does, once at a time. */
async function whileBusy(button, work) {
	if (button.getAttribute("aria-disabled") === "true") return;
	button.setAttribute("aria-disabled", "true");
	try {
		await work();
	} finally {
		button.removeAttribute("aria-disabled");
	}
}
// node_modules/openapi-fetch/dist/index.mjs
var PATH_PARAM_RE = /\{[^{}]+\}/g;
var supportsRequestInitExt = () => {
	return typeof process === "object" && Number.parseInt(process?.versions?.node?.substring(0, 2)) >= 18 && process.versions.undici;
};
function randomID() {
	return Math.random().toString(36).slice(2, 11);
}
function createClient(clientOptions) {
	let { baseUrl = "", Request: CustomRequest = globalThis.Request, fetch: baseFetch = globalThis.fetch, querySerializer: globalQuerySerializer, bodySerializer: globalBodySerializer, pathSerializer: globalPathSerializer, headers: baseHeaders, requestInitExt = void 0, ...baseOptions } = { ...clientOptions };
	requestInitExt = supportsRequestInitExt() ? requestInitExt : void 0;
	baseUrl = removeTrailingSlash(baseUrl);
	const globalMiddlewares = [];
	async function coreFetch(schemaPath, fetchOptions) {
		const { baseUrl: localBaseUrl, fetch = baseFetch, Request = CustomRequest, headers, params = {}, parseAs = "json", querySerializer: requestQuerySerializer, bodySerializer = globalBodySerializer ?? defaultBodySerializer, pathSerializer: requestPathSerializer, body, middleware: requestMiddlewares = [], ...init } = fetchOptions || {};
		let finalBaseUrl = baseUrl;
		if (localBaseUrl) finalBaseUrl = removeTrailingSlash(localBaseUrl) ?? baseUrl;
		let querySerializer = typeof globalQuerySerializer === "function" ? globalQuerySerializer : createQuerySerializer(globalQuerySerializer);
		if (requestQuerySerializer) querySerializer = typeof requestQuerySerializer === "function" ? requestQuerySerializer : createQuerySerializer({
			...typeof globalQuerySerializer === "object" ? globalQuerySerializer : {},
			...requestQuerySerializer
		});
		const pathSerializer = requestPathSerializer || globalPathSerializer || defaultPathSerializer;
		const serializedBody = body === void 0 ? void 0 : bodySerializer(body, mergeHeaders(baseHeaders, headers, params.header));
		const finalHeaders = mergeHeaders(serializedBody === void 0 || serializedBody instanceof FormData ? {} : { "Content-Type": "application/json" }, baseHeaders, headers, params.header);
		const finalMiddlewares = [...globalMiddlewares, ...requestMiddlewares];
		const requestInit = {
			redirect: "follow",
			...baseOptions,
			...init,
			body: serializedBody,
			headers: finalHeaders
		};
		let id;
		let options;
		let request = new Request(createFinalURL(schemaPath, {
			baseUrl: finalBaseUrl,
			params,
			querySerializer,
			pathSerializer
		}), requestInit);
		let response;
		for (const key in init) if (!(key in request)) request[key] = init[key];
		if (finalMiddlewares.length) {
			id = randomID();
			options = Object.freeze({
				baseUrl: finalBaseUrl,
				fetch,
				parseAs,
				querySerializer,
				bodySerializer,
				pathSerializer
			});
			for (const m of finalMiddlewares) if (m && typeof m === "object" && typeof m.onRequest === "function") {
				const result = await m.onRequest({
					request,
					schemaPath,
					params,
					options,
					id
				});
				if (result) {
					if (result instanceof Request) request = result;
					else if (result instanceof Response) {
						response = result;
						break;
					} else throw new Error("onRequest: must return new Request() or Response() when modifying the request");
				}
			}
		}
		if (!response) {
			try {
				response = await fetch(request, requestInitExt);
			} catch (error2) {
				let errorAfterMiddleware = error2;
				if (finalMiddlewares.length) for (let i = finalMiddlewares.length - 1; i >= 0; i--) {
					const m = finalMiddlewares[i];
					if (m && typeof m === "object" && typeof m.onError === "function") {
						const result = await m.onError({
							request,
							error: errorAfterMiddleware,
							schemaPath,
							params,
							options,
							id
						});
						if (result) {
							if (result instanceof Response) {
								errorAfterMiddleware = void 0;
								response = result;
								break;
							}
							if (result instanceof Error) {
								errorAfterMiddleware = result;
								continue;
							}
							throw new Error("onError: must return new Response() or instance of Error");
						}
					}
				}
				if (errorAfterMiddleware) throw errorAfterMiddleware;
			}
			if (finalMiddlewares.length) for (let i = finalMiddlewares.length - 1; i >= 0; i--) {
				const m = finalMiddlewares[i];
				if (m && typeof m === "object" && typeof m.onResponse === "function") {
					const result = await m.onResponse({
						request,
						response,
						schemaPath,
						params,
						options,
						id
					});
					if (result) {
						if (!(result instanceof Response)) throw new Error("onResponse: must return new Response() when modifying the response");
						response = result;
					}
				}
			}
		}
		const contentLength = response.headers.get("Content-Length");
		if (response.status === 204 || request.method === "HEAD" || contentLength === "0" && !response.headers.get("Transfer-Encoding")?.includes("chunked")) return response.ok ? {
			data: void 0,
			response
		} : {
			error: void 0,
			response
		};
		if (response.ok) {
			const getResponseData = async () => {
				if (parseAs === "stream") return response.body;
				if (parseAs === "json" && !contentLength) {
					const raw = await response.text();
					return raw ? JSON.parse(raw) : void 0;
				}
				return await response[parseAs]();
			};
			return {
				data: await getResponseData(),
				response
			};
		}
		let error = await response.text();
		try {
			error = JSON.parse(error);
		} catch {}
		return {
			error,
			response
		};
	}
	return {
		request(method, url, init) {
			return coreFetch(url, {
				...init,
				method: method.toUpperCase()
			});
		},
		/** Call a GET endpoint */
		GET(url, init) {
			return coreFetch(url, {
				...init,
				method: "GET"
			});
		},
		/** Call a PUT endpoint */
		PUT(url, init) {
			return coreFetch(url, {
				...init,
				method: "PUT"
			});
		},
		/** Call a POST endpoint */
		POST(url, init) {
			return coreFetch(url, {
				...init,
				method: "POST"
			});
		},
		/** Call a DELETE endpoint */
		DELETE(url, init) {
			return coreFetch(url, {
				...init,
				method: "DELETE"
			});
		},
		/** Call a OPTIONS endpoint */
		OPTIONS(url, init) {
			return coreFetch(url, {
				...init,
				method: "OPTIONS"
			});
		},
		/** Call a HEAD endpoint */
		HEAD(url, init) {
			return coreFetch(url, {
				...init,
				method: "HEAD"
			});
		},
		/** Call a PATCH endpoint */
		PATCH(url, init) {
			return coreFetch(url, {
				...init,
				method: "PATCH"
			});
		},
		/** Call a TRACE endpoint */
		TRACE(url, init) {
			return coreFetch(url, {
				...init,
				method: "TRACE"
			});
		},
		/** Register middleware */
		use(...middleware) {
			for (const m of middleware) {
				if (!m) continue;
				if (typeof m !== "object" || !("onRequest" in m || "onResponse" in m || "onError" in m)) throw new Error("Middleware must be an object with one of `onRequest()`, `onResponse() or `onError()`");
				globalMiddlewares.push(m);
			}
		},
		/** Unregister middleware */
		eject(...middleware) {
			for (const m of middleware) {
				const i = globalMiddlewares.indexOf(m);
				if (i !== -1) globalMiddlewares.splice(i, 1);
			}
		}
	};
}
function serializePrimitiveParam(name, value, options) {
	if (value === void 0 || value === null) return "";
	if (typeof value === "object") throw new Error("Deeply-nested arrays/objects aren’t supported. Provide your own `querySerializer()` to handle these.");
	return `${name}=${options?.allowReserved === true ? value : encodeURIComponent(value)}`;
}
function serializeObjectParam(name, value, options) {
	if (!value || typeof value !== "object") return "";
	const values = [];
	const joiner = {
		simple: ",",
		label: ".",
		matrix: ";"
	}[options.style] || "&";
	if (options.style !== "deepObject" && options.explode === false) {
		for (const k in value) values.push(k, options.allowReserved === true ? value[k] : encodeURIComponent(value[k]));
		const final2 = values.join(",");
		switch (options.style) {
			case "form": return `${name}=${final2}`;
			case "label": return `.${final2}`;
			case "matrix": return `;${name}=${final2}`;
			default: return final2;
		}
	}
	for (const k in value) {
		const finalName = options.style === "deepObject" ? `${name}[${k}]` : k;
		values.push(serializePrimitiveParam(finalName, value[k], options));
	}
	const final = values.join(joiner);
	return options.style === "label" || options.style === "matrix" ? `${joiner}${final}` : final;
}
function serializeArrayParam(name, value, options) {
	if (!Array.isArray(value)) return "";
	if (options.explode === false) {
		const joiner2 = {
			form: ",",
			spaceDelimited: "%20",
			pipeDelimited: "|"
		}[options.style] || ",";
		const final = (options.allowReserved === true ? value : value.map((v) => encodeURIComponent(v))).join(joiner2);
		switch (options.style) {
			case "simple": return final;
			case "label": return `.${final}`;
			case "matrix": return `;${name}=${final}`;
			default: return `${name}=${final}`;
		}
	}
	const joiner = {
		simple: ",",
		label: ".",
		matrix: ";"
	}[options.style] || "&";
	const values = [];
	for (const v of value) if (options.style === "simple" || options.style === "label") values.push(options.allowReserved === true ? v : encodeURIComponent(v));
	else values.push(serializePrimitiveParam(name, v, options));
	return options.style === "label" || options.style === "matrix" ? `${joiner}${values.join(joiner)}` : values.join(joiner);
}
function createQuerySerializer(options) {
	return function querySerializer(queryParams) {
		const search = [];
		if (queryParams && typeof queryParams === "object") for (const name in queryParams) {
			const value = queryParams[name];
			if (value === void 0 || value === null) continue;
			if (Array.isArray(value)) {
				if (value.length === 0) continue;
				search.push(serializeArrayParam(name, value, {
					style: "form",
					explode: true,
					...options?.array,
					allowReserved: options?.allowReserved || false
				}));
				continue;
			}
			if (typeof value === "object") {
				search.push(serializeObjectParam(name, value, {
					style: "deepObject",
					explode: true,
					...options?.object,
					allowReserved: options?.allowReserved || false
				}));
				continue;
			}
			search.push(serializePrimitiveParam(name, value, options));
		}
		return search.join("&");
	};
}
function defaultPathSerializer(pathname, pathParams) {
	let nextURL = pathname;
	for (const match of pathname.match(PATH_PARAM_RE) ?? []) {
		let name = match.substring(1, match.length - 1);
		let explode = false;
		let style = "simple";
		if (name.endsWith("*")) {
			explode = true;
			name = name.substring(0, name.length - 1);
		}
		if (name.startsWith(".")) {
			style = "label";
			name = name.substring(1);
		} else if (name.startsWith(";")) {
			style = "matrix";
			name = name.substring(1);
		}
		if (!pathParams || pathParams[name] === void 0 || pathParams[name] === null) continue;
		const value = pathParams[name];
		if (Array.isArray(value)) {
			nextURL = nextURL.replace(match, serializeArrayParam(name, value, {
				style,
				explode
			}));
			continue;
		}
		if (typeof value === "object") {
			nextURL = nextURL.replace(match, serializeObjectParam(name, value, {
				style,
				explode
			}));
			continue;
		}
		if (style === "matrix") {
			nextURL = nextURL.replace(match, `;${serializePrimitiveParam(name, value)}`);
			continue;
		}
		nextURL = nextURL.replace(match, style === "label" ? `.${encodeURIComponent(value)}` : encodeURIComponent(value));
	}
	return nextURL;
}
function defaultBodySerializer(body, headers) {
	if (body instanceof FormData) return body;
	if (headers) {
		if ((headers.get instanceof Function ? headers.get("Content-Type") ?? headers.get("content-type") : headers["Content-Type"] ?? headers["content-type"]) === "application/x-www-form-urlencoded") return new URLSearchParams(body).toString();
	}
	return JSON.stringify(body);
}
function createFinalURL(pathname, options) {
	let finalURL = `${options.baseUrl}${pathname}`;
	if (options.params?.path) finalURL = options.pathSerializer(finalURL, options.params.path);
	let search = options.querySerializer(options.params.query ?? {});
	if (search.startsWith("?")) search = search.substring(1);
	if (search) finalURL += `?${search}`;
	return finalURL;
}
function mergeHeaders(...allHeaders) {
	const finalHeaders = new Headers();
	for (const h of allHeaders) {
		if (!h || typeof h !== "object") continue;
		const iterator = h instanceof Headers ? h.entries() : Object.entries(h);
		for (const [k, v] of iterator) if (v === null) finalHeaders.delete(k);
		else if (Array.isArray(v)) for (const v2 of v) finalHeaders.append(k, v2);
		else if (v !== void 0) finalHeaders.set(k, v);
	}
	return finalHeaders;
}
function removeTrailingSlash(url) {
	if (url.endsWith("/")) return url.substring(0, url.length - 1);
	return url;
}
// src/client.ts
/**
* The client: types generated from the OpenAPI document, calls made by openapi-fetch.
*
* Paths, parameters, bodies and answers are checked by the compiler against the very document that
* the server checks bodies against.
*/
/** Served by Regimen the page calls where it comes from; served by vite, the demo's usual address. */
var server = location.origin;
var client = createClient({ baseUrl: server });
/** Where a page of the server itself is, such as the `type` of a problem. */
function onServer(path) {
	return new URL(path, server).href;
}
/** A refusal, as every refusal of this API is told (RFC 9457). */
var Refused = class extends Error {
	problem;
	constructor(problem) {
		super(problem.detail);
		this.problem = problem;
	}
};
/** What a call answers, or an error that can be shown. */
async function answer(call) {
	let result;
	try {
		result = await call;
	} catch (cause) {
		throw cause instanceof Refused ? cause : new Error("The server cannot be reached.", { cause });
	}
	if (isProblem(result.error)) throw new Refused(result.error);
	if (result.data === void 0 || result.data === null) throw new Error(`The server answered ${result.response.status}, and nothing else.`);
	return result.data;
}
function isProblem(error) {
	return typeof error === "object" && error !== null && "code" in error && "detail" in error && "errors" in error;
}
// src/session.ts
/**
* Who is signed in.
*
* Tokens are kept in memory only: no other script of this origin finds them in storage, and a reload
* asks to sign in again. The access token lasts ten minutes; the refresh token gets the next one, and
* is itself replaced each time.
*/
var credential = null;
var refreshing = null;
var onEnd = () => {};
/** A token that is about to end is renewed before the call, and not after a refusal. */
var MARGIN = 3e4;
/** What happens when the session is over, whoever ended it. */
function whenSessionEnds(then) {
	onEnd = then;
}
async function signIn(email, password) {
	take(await answer(client.POST("/v1/auth/login", { body: {
		email,
		password
	} })));
}
/** Uses an API token; throws where the server does not know it. */
async function useToken(token) {
	credential = {
		access: token,
		refresh: null,
		endsAt: Number.POSITIVE_INFINITY
	};
	try {
		await answer(client.GET("/v1/auth/me"));
	} catch (error) {
		credential = null;
		throw error;
	}
}
async function signOut() {
	const session = credential?.refresh;
	try {
		if (session) await client.POST("/v1/auth/logout");
	} finally {
		end("You are signed out.");
	}
}
/** The workspaces of the caller: a person may have many, an API token has one. */
async function workspaces() {
	const me = await answer(client.GET("/v1/auth/me"));
	if (me.workspace) return {
		caller: me.name,
		workspaces: [me.workspace]
	};
	const page = await answer(client.GET("/v1/workspaces", { params: { query: { limit: 200 } } }));
	return {
		caller: me.name,
		workspaces: page.items
	};
}
function take(signedIn) {
	credential = {
		access: signedIn.access_token,
		refresh: signedIn.refresh_token,
		endsAt: performance.now() + signedIn.expires_in * 1e3
	};
}
function end(why) {
	if (!credential) return;
	credential = null;
	onEnd(why);
}
/** Gets the next access token: once, however many calls wait for it. */
function refresh(token) {
	refreshing ??= answer(client.POST("/v1/auth/refresh", { body: { refresh_token: token } })).then(take).catch((error) => {
		if (error instanceof Refused && error.problem.status === 401) end("Your session is over. Sign in again.");
		throw error;
	}).finally(() => {
		refreshing = null;
	});
	return refreshing;
}
client.use({
	async onRequest({ request, schemaPath }) {
		if (schemaPath === "/v1/auth/login" || schemaPath === "/v1/auth/refresh" || !credential) return void 0;
		if (credential.refresh && performance.now() > credential.endsAt - MARGIN) await refresh(credential.refresh);
		if (credential) request.headers.set("Authorization", `Bearer ${credential.access}`);
		return request;
	},
	onResponse({ response, schemaPath }) {
		const signingIn = schemaPath === "/v1/auth/login" || schemaPath === "/v1/auth/me";
		if (response.status === 401 && !signingIn) end("Your session is over. Sign in again.");
	}
});
// src/views/refusal.ts
/** Showing what went wrong: beside the fields where a field is to blame, else above the form. */
/** What went wrong, in a sentence. */
function messageOf(error) {
	if (error instanceof Refused) return `${error.problem.title}: ${error.problem.detail}.`;
	return error instanceof Error ? error.message : String(error);
}
/** What went wrong, with the page that explains this kind of problem. */
function refusal(error) {
	return element("p", {
		class: "refusal",
		role: "alert"
	}, messageOf(error), error instanceof Refused && " ", error instanceof Refused && element("a", {
		href: onServer(error.problem.type),
		target: "_blank",
		rel: "noreferrer"
	}, "What this means"));
}
/**
* Shows a refusal in a form. Its `errors` name fields by JSON pointers: each goes beside its own field,
* the first of them gets the focus, and what belongs to no field is shown above all.
*/
function showRefusal(error, fields, above) {
	clearRefusal(fields, above);
	const errors = error instanceof Refused ? error.problem.errors : [];
	const placed = fields.filter((field) => {
		const own = errors.filter((one) => one.pointer === field.pointer || one.pointer.startsWith(`${field.pointer}/`));
		field.say(own.map((one) => one.detail).join("; "));
		return own.length > 0;
	});
	const known = (pointer) => fields.some((field) => pointer === field.pointer || pointer.startsWith(`${field.pointer}/`));
	const rest = errors.filter((one) => !known(one.pointer));
	if (placed.length === 0 || rest.length > 0) {
		above.replaceChildren(refusal(error));
		for (const one of rest) above.append(element("p", { class: "wrong" }, `${one.pointer}: ${one.detail}`));
	}
	placed[0]?.input.focus();
}
function clearRefusal(fields, above) {
	above.replaceChildren();
	for (const field of fields) field.say("");
}
// src/views/fields.ts
/** Fields of forms: a label, an input, a hint, and a place for what is wrong with it. */
function textField(pointer, label, input, hint = "") {
	const id = freshId();
	const { wrong, say } = complaint(id, input, hint !== "" ? `${id}-hint` : "");
	input.id = id;
	return {
		pointer,
		row: element("div", { class: "field" }, element("label", { for: id }, label), hint !== "" && element("p", {
			class: "hint",
			id: `${id}-hint`
		}, hint), input, wrong),
		input,
		say
	};
}
/** One of a few words; `chosen` tells which. */
function choiceField(pointer, label, choices, first) {
	const id = freshId();
	let chosen = first;
	const group = element("fieldset", { class: "field choice" }, element("legend", {}, label));
	const { wrong, say } = complaint(id, group, "");
	for (const [word, text] of choices) {
		const radio = element("input", {
			type: "radio",
			name: id,
			value: word,
			checked: word === first,
			change: () => {
				chosen = word;
			}
		});
		group.append(element("label", {}, radio, text));
	}
	group.append(wrong);
	return {
		pointer,
		row: group,
		input: group,
		say,
		chosen: () => chosen
	};
}
function complaint(id, input, hint) {
	const wrong = element("p", {
		class: "wrong",
		id: `${id}-wrong`
	});
	const describe = (ids) => {
		const named = ids.filter((one) => one !== "");
		if (named.length > 0) input.setAttribute("aria-describedby", named.join(" "));
		else input.removeAttribute("aria-describedby");
	};
	const say = (text) => {
		wrong.textContent = text;
		describe([hint, text === "" ? "" : `${id}-wrong`]);
		if (text === "") input.removeAttribute("aria-invalid");
		else input.setAttribute("aria-invalid", "true");
	};
	say("");
	return {
		wrong,
		say
	};
}
// src/views/sign-in.ts
/** Signing in: with e-mail and password, or by pasting an API token. */
/** `why` says why somebody who was signed in is here. */
function signInView(entered, why) {
	const email = textField("/email", "E-mail", element("input", {
		type: "email",
		autocomplete: "username",
		required: true
	}));
	const password = textField("/password", "Password", element("input", {
		type: "password",
		autocomplete: "current-password",
		required: true
	}));
	const token = textField("/token", "API token", element("input", {
		type: "password",
		autocomplete: "off",
		required: true,
		spellcheck: "false"
	}), "It begins with rgm_ and belongs to one workspace.");
	return element("main", { class: "narrow" }, element("h1", { tabindex: -1 }, "Regimen"), element("p", { class: "lead" }, "KPIs diagnose, OKRs prescribe. Sign in to see what needs you today."), why !== "" && element("p", { class: "news" }, why), form([email, password], "Sign in", () => signIn(email.input.value, password.input.value), entered), element("details", { class: "other-way" }, element("summary", {}, "Use an API token instead"), form([token], "Use this token", () => useToken(token.input.value.trim()), entered)), element("p", { class: "hint" }, "In the demo, e-mail, password and tokens stand in the JSON line that ", element("code", {}, "regimen demo"), " prints when it starts."));
}
function form(fields, action, work, entered) {
	const above = element("div");
	const button = element("button", {
		type: "submit",
		class: "primary"
	}, action);
	const submit = (event) => {
		event.preventDefault();
		whileBusy(button, async () => {
			clearRefusal(fields, above);
			tell("");
			try {
				await work();
				await entered();
			} catch (error) {
				showRefusal(error, fields, above);
			}
		});
	};
	return element("form", {
		submit,
		class: "card"
	}, above, ...fields.map((field) => field.row), button);
}
// src/format.ts
var LOCALE = "en-GB";
var DAY = 864e5;
/** A value with the unit, percent sign or currency that its KPI has. */
function value(number, display) {
	const { style, currency, precision, unit } = display;
	const digits = precision === null ? { maximumFractionDigits: Math.abs(number) < 100 ? 4 : 2 } : {
		minimumFractionDigits: precision,
		maximumFractionDigits: precision
	};
	if (style === "currency" && currency !== null) return new Intl.NumberFormat(LOCALE, {
		style: "currency",
		currency,
		...digits
	}).format(number);
	return behind(new Intl.NumberFormat(LOCALE, digits).format(number), style === "percent" ? "%" : unit);
}
/** How far two values lie apart: shares differ by points. */
function difference(number, display) {
	if (display.style !== "percent") return value(number, display);
	return value(number, {
		...display,
		style: "number",
		unit: "points"
	});
}
/** A number that has a unit and no more, as those of key results. */
function measured(number, unit) {
	return behind(new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 4 }).format(number), unit);
}
function behind(number, unit) {
	return unit === null ? number : `${number}\u00a0${unit}`;
}
/** A healthy band, such as "at least 95 %". */
function band(min, max, display) {
	if (min !== null && max !== null) return `${value(min, display)} to ${value(max, display)}`;
	if (min !== null) return `at least ${value(min, display)}`;
	if (max !== null) return `at most ${value(max, display)}`;
	return "none";
}
function share(part) {
	return new Intl.NumberFormat(LOCALE, {
		style: "percent",
		maximumFractionDigits: 0
	}).format(part);
}
/** A day of the workspace, such as "3 Nov 2026"; days have no time zone. */
function day(date) {
	return new Intl.DateTimeFormat(LOCALE, {
		day: "numeric",
		month: "short",
		year: "numeric",
		timeZone: "UTC"
	}).format(/* @__PURE__ */ new Date(`${date}T00:00:00Z`));
}
/** An instant, by the reader's own clock. */
function moment(instant) {
	return new Intl.DateTimeFormat(LOCALE, {
		day: "numeric",
		month: "short",
		hour: "2-digit",
		minute: "2-digit"
	}).format(new Date(instant));
}
/** How many days a stretch has lasted, its first day included, such as "52 days". */
function lasting(first, until) {
	const days = Math.round((Date.parse(until) - Date.parse(first)) / DAY) + 1;
	return days === 1 ? "1 day" : `${days} days`;
}
/** The name of a value of an enum, for people: new values may come, so there is no table. */
function words(name) {
	return name.replaceAll(/[_.]/g, " ");
}
// src/views/events.ts
/** What happened lately, the newest first. */
/** The API has no stream of events yet, so the page asks again and again, while somebody looks at it. */
var EVERY = 1e4;
function eventsView(workspace, onNews) {
	const list = element("ol", { class: "events" });
	const content = element("div", {}, element("h2", { id: "events" }, "What happened"), list);
	let latest = null;
	async function look() {
		const page = await answer(client.GET("/v1/workspaces/{workspace}/events", { params: {
			path: { workspace },
			query: { limit: 12 }
		} }));
		list.replaceChildren(...page.items.map(item));
		return page.items;
	}
	async function refresh() {
		try {
			latest = (await look())[0]?.sequence ?? 0;
		} catch (error) {
			list.replaceChildren(element("li", {}, refusal(error)));
		}
	}
	async function poll() {
		if (document.visibilityState === "hidden" || latest === null) return;
		const before = latest;
		try {
			const newest = (await look())[0]?.sequence ?? 0;
			if (newest > Math.max(before, latest)) onNews();
			latest = Math.max(newest, latest);
		} catch {}
	}
	const timer = setInterval(() => void poll(), EVERY);
	return {
		content,
		refresh,
		leave: () => clearInterval(timer)
	};
}
function item(event) {
	return element("li", {}, element("span", {}, element("b", {}, words(event.type)), ` ${event.subject.name}`), element("span", { class: "facts" }, element("time", { datetime: event.at }, moment(event.at)), ` · ${event.actor.name}`));
}
// src/views/check-in.ts
/** Checking in on a key result: a value, how confident people are, and what happened. */
var CONFIDENCE = [
	["on_track", "On track"],
	["at_risk", "At risk"],
	["off_track", "Off track"]
];
function checkInForm(workspace, keyResult, done) {
	const byHand = keyResult.source === "manual";
	const value = textField("/value", "Value", element("input", {
		type: "text",
		inputmode: "decimal",
		autocomplete: "off"
	}), unitOf(keyResult));
	const confidence = choiceField("/confidence", "Confidence", CONFIDENCE, keyResult.confidence ?? "on_track");
	const note = textField("/note", "Note", element("textarea", { rows: 2 }), "What happened, and why. Optional.");
	const fields = byHand ? [
		value,
		confidence,
		note
	] : [confidence, note];
	const above = element("div");
	const button = element("button", {
		type: "submit",
		class: "primary"
	}, "Save check-in");
	async function save() {
		clearRefusal(fields, above);
		const body = { confidence: confidence.chosen() };
		if (note.input.value.trim() !== "") body.note = note.input.value;
		if (byHand && value.input.value.trim() !== "") {
			body.value = Number(value.input.value.trim().replace(",", "."));
			if (!Number.isFinite(body.value)) {
				value.say("a number is needed, such as 4.2");
				value.input.focus();
				return;
			}
		}
		try {
			await answer(client.POST("/v1/workspaces/{workspace}/key-results/{key_result}/check-ins", {
				params: { path: {
					workspace,
					key_result: keyResult.id
				} },
				body
			}));
		} catch (error) {
			showRefusal(error, fields, above);
			return;
		}
		await done();
	}
	return element("form", {
		novalidate: true,
		class: "check-in",
		submit: (event) => {
			event.preventDefault();
			whileBusy(button, save);
		}
	}, above, !byHand && element("p", { class: "hint" }, `Its value comes from the KPI ${keyResult.kpi?.name ?? ""}.`), ...fields.map((field) => field.row), button);
}
function unitOf(keyResult) {
	if (keyResult.kind === "milestone") return "The share that is done, from 0 to 1.";
	return keyResult.unit === null ? "" : `In ${keyResult.unit}.`;
}
// src/views/key-results.ts
/** The key results of an objective: how far they are, and checking in on them. */
/** Folded at first; what is in it is asked for when it is opened. */
function keyResultsOf(workspace, objective, checkedIn) {
	const list = element("ul", { class: "key-results" });
	const path = {
		workspace,
		objective: objective.id
	};
	async function load(focusOn) {
		try {
			const page = await answer(client.GET("/v1/workspaces/{workspace}/objectives/{objective}/key-results", { params: {
				path,
				query: { limit: 200 }
			} }));
			list.replaceChildren(...page.items.map((one) => item(one)));
			if (page.items.length === 0) list.append(element("li", { class: "hint" }, "This objective has no key results."));
			if (focusOn !== void 0) list.querySelector(`[data-key-result="${focusOn}"] h4`)?.focus();
		} catch (error) {
			list.replaceChildren(element("li", {}, refusal(error)));
		}
	}
	function item(keyResult) {
		return keyResultItem(workspace, keyResult, async () => {
			await load(keyResult.id);
			await checkedIn(`Checked in on ${keyResult.title}.`);
		});
	}
	const details = element("details", { toggle: () => {
		if (details.open && list.childElementCount === 0) load();
	} }, element("summary", {}, "Key results", element("span", { class: "unseen" }, ` of ${objective.title}`)), list);
	return details;
}
function keyResultItem(workspace, keyResult, done) {
	const heading = freshId();
	const { value, expected } = keyResult.progress;
	const place = element("div");
	const button = element("button", {
		type: "button",
		"aria-expanded": "false",
		click: () => {
			const open = place.childElementCount === 0;
			button.setAttribute("aria-expanded", String(open));
			if (!open) {
				place.replaceChildren();
				return;
			}
			const form = checkInForm(workspace, keyResult, done);
			place.replaceChildren(form);
			form.querySelector("input")?.focus();
		}
	}, "Check in", element("span", { class: "unseen" }, ` on ${keyResult.title}`));
	return element("li", { "data-key-result": keyResult.id }, element("h4", {
		id: heading,
		tabindex: -1
	}, keyResult.title), value !== null && element("progress", {
		value,
		max: 1,
		"aria-labelledby": heading
	}, share(value)), element("p", { class: "facts" }, standing(keyResult, value, expected)), keyResult.last_check_in?.note && element("blockquote", {}, keyResult.last_check_in.note, said(keyResult.last_check_in)), keyResult.can.check_in && element("div", { class: "actions" }, button), place);
}
function standing(keyResult, value, expected) {
	return [
		keyResult.current && keyResult.kind !== "milestone" && `now ${measured(keyResult.current.value, keyResult.unit)}`,
		value !== null && `${share(value)} done`,
		expected !== null && `${share(expected)} of the time gone`,
		keyResult.confidence !== null && `people say ${words(keyResult.confidence)}`,
		keyResult.overdue && "a check-in is overdue"
	].filter((fact) => typeof fact === "string").join(" · ");
}
function said(last) {
	return element("footer", {}, `${last.author?.name ?? "An integration"}, ${moment(last.at)}`);
}
// src/views/kpi.ts
/** A KPI that needs a person: what it shows, since when, what treats it, and prescribing. */
function kpiCard(row, group, around) {
	const heading = freshId();
	const treatable = (group === "untreated" || group === "failed") && around.mayPrescribe;
	return element("article", {
		class: `card kpi ${row.health}`,
		"aria-labelledby": heading,
		"data-kpi": row.id
	}, element("header", {}, element("h3", {
		id: heading,
		tabindex: -1
	}, row.name), element("span", { class: `badge ${row.health}` }, words(row.health))), element("div", { class: "figures" }, figure(row), sparkline(seen(row, around), row.display)), element("p", {}, howLong(row, around.today)), element("p", { class: "facts" }, facts(row)), row.remedies.length > 0 && element("ul", { class: "remedies" }, ...row.remedies.map((remedy) => treatment(remedy, around))), treatable && prescribing(row, around));
}
function figure(row) {
	const value$1 = row.current?.value ?? null;
	const change = row.current?.change ?? null;
	return element("p", { class: "figure" }, element("strong", {}, value$1 === null ? "no value" : value(value$1, row.display)), row.target && element("span", { class: "target" }, `target: ${band(row.target.min, row.target.max, row.display)}`), change !== null && change !== 0 && element("span", { class: "change" }, `${change > 0 ? "up" : "down"} ${difference(Math.abs(change), row.display)}`, row.current?.change_is_good === true && ", for the better", row.current?.change_is_good === false && ", for the worse"));
}
function howLong(row, today) {
	if (row.health === "unknown") return whyUnknown(row);
	if (row.health === "healthy" && row.last_episode) {
		const { opened_on, closed_on, closed_by } = row.last_episode;
		const moved = closed_by === "target" ? ", because the target was moved" : "";
		return `Healthy since ${day(closed_on)}, after ${lasting(opened_on, closed_on)}${moved}.`;
	}
	if (row.since === null) return "";
	const stale = row.health_reason === "stale" ? "; the value is stale" : "";
	return `${row.health === "at_risk" ? "At risk" : "Unhealthy"} since ${day(row.since)}, for ${lasting(row.since, today)}${stale}.`;
}
function whyUnknown(row) {
	switch (row.health_reason) {
		case "no_data": return "It never had a value.";
		case "no_target": return "It has no target to be judged by.";
		case "stale": return `Its value is stale${row.freshness.stale_on === null ? "" : ` since ${day(row.freshness.stale_on)}`}${row.last_known === null ? "" : `; last seen ${words(row.last_known)}`}.`;
		default: return "Its health cannot be told.";
	}
}
function facts(row) {
	return [
		row.owner?.name ?? "nobody answers for it",
		row.team?.name,
		words(row.cadence)
	].filter((fact) => fact !== void 0).join(" · ");
}
/** The last periods up to the value that is shown: a sum that still grows would look like a fall. */
function seen(row, around) {
	const periods = around.recent.get(row.id) ?? [];
	const current = row.current;
	return current === null ? periods : periods.filter((period) => period.starts_on <= current.starts_on);
}
/** The last periods as a line; where a period is missing, the line has a gap. */
function sparkline(periods, display) {
	const values = periods.map((period) => period.value).filter((value) => value !== null);
	const [first, last] = [values.at(0), values.at(-1)];
	if (first === void 0 || last === void 0 || values.length < 2) return null;
	const [width, height, margin] = [
		120,
		36,
		4
	];
	const [low, high] = [Math.min(...values), Math.max(...values)];
	const x = (index) => margin + index * (width - 2 * margin) / (periods.length - 1);
	const y = (value) => high === low ? height / 2 : height - margin - (value - low) * (height - 2 * margin) / (high - low);
	let path = "";
	let pen = "M";
	periods.forEach((period, index) => {
		if (period.value === null) pen = "M";
		else {
			path += `${pen}${x(index).toFixed(1)} ${y(period.value).toFixed(1)}`;
			pen = "L";
		}
	});
	const end = periods.findLastIndex((period) => period.value !== null);
	const label = `Last ${values.length} periods: from ${value(first, display)} to ${value(last, display)}`;
	return drawn("svg", {
		class: "sparkline",
		viewBox: `0 0 ${width} ${height}`,
		role: "img",
		"aria-label": label
	}, drawn("path", { d: path }), drawn("circle", {
		cx: x(end),
		cy: y(last),
		r: 3
	}));
}
/** A remedy: the objective, what became of it, and its key results on demand. */
function treatment(remedy, around) {
	const closed = remedy.share_of_gap_closed;
	const item = element("li", {}, element("p", {}, element("span", { class: `badge ${remedy.outcome}` }, words(remedy.outcome)), ` ${remedy.objective.title}`, closed !== null && closed >= 0 && element("span", { class: "facts" }, ` · ${share(closed)} of the gap closed`), closed !== null && closed < 0 && element("span", { class: "facts" }, " · further away than at the start")));
	if (around.mayCheckIn) item.append(keyResultsOf(around.workspace, remedy.objective, around.checkedIn));
	return item;
}
function prescribing(row, around) {
	const said = element("div");
	const key = Array.from(crypto.getRandomValues(/* @__PURE__ */ new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
	const button = element("button", {
		type: "button",
		class: "primary",
		click: () => void whileBusy(button, async () => {
			said.replaceChildren();
			try {
				const remedy = await answer(client.POST("/v1/workspaces/{workspace}/kpis/{kpi}/remedies", {
					params: {
						path: {
							workspace: around.workspace,
							kpi: row.id
						},
						header: { "Idempotency-Key": key }
					},
					body: {}
				}));
				await around.prescribed(row.id, `Prescribed: ${remedy.objective.title}.`);
			} catch (error) {
				said.replaceChildren(refusal(error));
			}
		})
	}, "Prescribe an objective", element("span", { class: "unseen" }, ` for ${row.name}`));
	return element("div", { class: "actions" }, said, button);
}
// src/views/workspace.ts
/** One workspace: what needs a person, as triage tells it, and what happened lately. */
var GROUPS = [
	[
		"untreated",
		"Untreated",
		"Unhealthy, and nothing treats them."
	],
	[
		"failed",
		"Failed",
		"Unhealthy, and what was meant to heal them did not."
	],
	[
		"in_treatment",
		"In treatment",
		"Unhealthy, and an objective treats them or may still show its effect."
	],
	[
		"at_risk",
		"At risk",
		"Outside their target, within their tolerance."
	],
	[
		"unknown",
		"Unknown",
		"Nobody can tell how they are."
	],
	[
		"recovered",
		"Recovered",
		"Healthy again, within the last 30 days."
	]
];
/** Long groups begin folded. */
var SHOWN_AT_FIRST = 6;
function workspaceView(caller, all) {
	let slug = all[0]?.slug ?? "";
	/** The day that is looked at; empty: now. */
	let day = "";
	/** Counts the loads, so that a late answer never shows over a newer one. */
	let load = 0;
	let leaveEvents = () => {};
	let refreshEvents = async () => {};
	const asOf = element("input", {
		id: "as-of",
		type: "date",
		change: () => {
			day = asOf.value === asOf.max ? "" : asOf.value;
			showTriage();
		}
	});
	const heading = element("h1", { tabindex: -1 });
	const lead = element("p", { class: "lead" });
	const chips = element("nav", {
		class: "chips",
		"aria-label": "Groups"
	});
	const news = element("div");
	const groups = element("div", { class: "groups" });
	const aside = element("aside", { "aria-labelledby": "events" });
	const content = element("div", { class: "workspace" }, bar(), element("main", {}, heading, lead, chips, news, groups), aside);
	function bar() {
		const workspace = element("select", {
			id: "workspace",
			change: () => {
				slug = workspace.value;
				day = "";
				open();
			}
		});
		for (const one of all) workspace.append(element("option", { value: one.slug }, one.name));
		return element("header", { class: "bar" }, element("span", { class: "brand" }, "Regimen"), element("label", { for: "workspace" }, "Workspace"), workspace, element("label", { for: "as-of" }, "As of"), asOf, element("span", { class: "caller" }, caller), element("button", {
			type: "button",
			click: () => void signOut()
		}, "Sign out"));
	}
	async function open() {
		leaveEvents();
		const events = eventsView(slug, () => {
			if (groups.querySelector("form")) offerNews();
			else showTriage();
		});
		leaveEvents = events.leave;
		refreshEvents = events.refresh;
		aside.replaceChildren(events.content);
		await Promise.all([showTriage(), events.refresh()]);
	}
	/** Somebody changed something while a form is open: it is not swept away. */
	function offerNews() {
		const look = element("button", {
			type: "button",
			click: () => void showTriage()
		}, "Show it");
		news.replaceChildren(element("p", { class: "news" }, "Something changed in the meantime. ", look));
	}
	async function showTriage(focusOn) {
		load += 1;
		const mine = load;
		groups.setAttribute("aria-busy", "true");
		const path = { workspace: slug };
		const query = day === "" ? {} : { as_of: day };
		try {
			const [workspace, triage, kpis] = await Promise.all([
				answer(client.GET("/v1/workspaces/{workspace}", { params: { path } })),
				answer(client.GET("/v1/workspaces/{workspace}/triage", { params: {
					path,
					query
				} })),
				answer(client.GET("/v1/workspaces/{workspace}/kpis", { params: {
					path,
					query: {
						...query,
						include: ["recent"],
						limit: 200
					}
				} }))
			]);
			if (mine !== load) return;
			show(workspace, triage, kpis.items);
			if (focusOn !== void 0) groups.querySelector(`[data-kpi="${focusOn}"] h3`)?.focus();
		} catch (error) {
			if (mine !== load) return;
			lead.replaceChildren();
			chips.replaceChildren();
			groups.replaceChildren(refusal(error));
		} finally {
			if (mine === load) groups.removeAttribute("aria-busy");
		}
	}
	function show(workspace, triage, kpis) {
		const surroundings = {
			workspace: slug,
			today: triage.as_of,
			mayPrescribe: day === "" && workspace.can.create_objective,
			mayCheckIn: day === "",
			recent: new Map(kpis.map((kpi) => [kpi.id, kpi.recent ?? []])),
			prescribed: async (kpi, what) => {
				await Promise.all([showTriage(kpi), refreshEvents()]);
				tell(what);
			},
			checkedIn: async (what) => {
				await refreshEvents();
				tell(what);
			}
		};
		if (day === "") {
			asOf.max = triage.as_of;
			if (document.activeElement !== asOf) asOf.value = triage.as_of;
		}
		heading.textContent = workspace.name;
		lead.textContent = summary(triage);
		news.replaceChildren();
		chips.replaceChildren(...GROUPS.filter(([group]) => triage[group].length > 0).map(([group, title]) => element("a", {
			href: `#${group}`,
			class: `chip ${group}`
		}, `${title} `, element("b", {}, String(triage[group].length)))), element("span", { class: "chip healthy" }, "Healthy ", element("b", {}, String(triage.counts.healthy))));
		groups.replaceChildren(...GROUPS.filter(([group]) => triage[group].length > 0).map(([group, title, meaning]) => section(group, title, meaning, triage[group].map((row) => kpiCard(row, group, surroundings)))));
		if (triage.orphans.length > 0) groups.append(section("orphans", "Objectives that heal no KPI", "A fact, not a fault.", triage.orphans.map(orphan)));
	}
	return {
		content,
		ready: open(),
		leave: () => {
			leaveEvents();
			load += 1;
		}
	};
}
function summary(triage) {
	const { untreated, failed, in_treatment } = triage.counts;
	const alone = untreated + failed;
	const when = day(triage.as_of);
	if (alone > 0) return `${when}: ${alone === 1 ? "one unhealthy KPI waits" : `${alone} unhealthy KPIs wait`} for a remedy.`;
	if (in_treatment > 0) return `${when}: every unhealthy KPI is in treatment.`;
	return `${when}: no KPI is unhealthy.`;
}
function section(id, title, meaning, cards) {
	const heading = freshId();
	const list = (some) => element("ul", { class: "cards" }, ...some.map((card) => element("li", {}, card)));
	const rest = cards.slice(SHOWN_AT_FIRST);
	return element("section", {
		id,
		"aria-labelledby": heading
	}, element("h2", { id: heading }, title), element("p", { class: "hint" }, meaning), list(cards.slice(0, SHOWN_AT_FIRST)), rest.length > 0 && element("details", { class: "rest" }, element("summary", {}, `${rest.length} more`), list(rest)));
}
function orphan(objective) {
	const facts = [
		objective.owner?.name,
		objective.team?.name,
		objective.cycle?.name
	];
	return element("article", { class: "card" }, element("h3", {}, objective.title), element("p", { class: "facts" }, facts.filter((fact) => fact !== void 0).join(" · ")));
}
// src/main.ts
/**
* A small page on the Regimen API: sign in, see what needs a person, prescribe, check in.
*
* It is meant to be read, and to be begun from: plain TypeScript, no framework, and a client that is
* generated from the OpenAPI document.
*/
var page = document.getElementById("page") ?? document.body;
var leave = () => {};
function show(content) {
	leave();
	leave = () => {};
	page.replaceChildren(content);
	content.querySelector("h1")?.focus();
}
function toSignIn(why) {
	show(signInView(enter, why));
	tell(why);
}
async function enter() {
	const mine = await workspaces();
	if (mine.workspaces.length === 0) {
		show(element("main", { class: "narrow" }, element("h1", { tabindex: -1 }, "No workspace yet"), "Make one by the API."));
		return;
	}
	const view = workspaceView(mine.caller, mine.workspaces);
	show(view.content);
	leave = view.leave;
	await view.ready.catch((error) => tell(messageOf(error)));
}
whenSessionEnds(toSignIn);
toSignIn("");
