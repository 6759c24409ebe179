// The API's page. Nothing is asked of other servers: the validator that Swagger UI would ask is turned off.
window.SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', validatorUrl: null, deepLinking: false })
