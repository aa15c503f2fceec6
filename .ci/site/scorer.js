// How the search of the site ranks what it finds: as Sphinx does, but what is looked up comes before how it came about; what a result type means, and what
// causes it, before other pages that have its words.
var Scorer = {
  score: function (result) {
    var page = result[0];
    var first = page === "reference/result-types" || page === "reference/causes" ? 2 : 0;
    return result[4] + first + (page.startsWith("reference/") ? 5 : page.startsWith("decisions/") ? -5 : 0);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
