// Shows the OpenAPI document. What is tried out is called as the signed-in user, with the page's form token.
(function () {
  "use strict";

  const place = document.getElementById("api-docs");
  const formToken = document.querySelector("meta[name='csrf-token']").content;

  window.SwaggerUIBundle({
    url: place.dataset.document,
    domNode: place,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    filter: true,
    validatorUrl: null,
    requestInterceptor: function (request) {
      const called = new URL(request.url, location.href);
      if (called.origin === location.origin && request.method !== "GET") { request.headers["X-CSRFToken"] = formToken; }
      return request;
    }
  });
})();
