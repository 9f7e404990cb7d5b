// Checks parameters by nextflow_schema.json, without a plugin: clusters often cannot fetch one.

import groovy.json.JsonSlurper

def schema() {
    new JsonSlurper().parse(file("${projectDir}/nextflow_schema.json").toFile())
}

// The parameters of the schema by name.
def declared() {
    schema()['$defs'].values().collectEntries { group -> group.properties }
}

def required() {
    schema()['$defs'].values().collectMany { group -> group.required ?: [] }
}

// Why a value is not what the schema asks for; null if it is.
def problem(rule, value) {
    def is_number = value instanceof Number
    if (rule.type == 'integer' && !(value instanceof Integer || value instanceof Long)) {
        return 'expected a whole number'
    }
    if (rule.type == 'boolean' && !(value instanceof Boolean)) {
        return 'expected true or false'
    }
    // On the command line, an option without a value is true.
    if (rule.type == 'string' && value instanceof Boolean) {
        return 'expected a value'
    }
    if (rule.minimum != null && is_number && value < rule.minimum) {
        return "expected at least ${rule.minimum}"
    }
    if (rule.enum && !(value in rule.enum)) {
        return "expected one of ${rule.enum.join(', ')}"
    }
    if (rule.pattern && !(value.toString() ==~ rule.pattern)) {
        return "expected ${rule.errorMessage ?: rule.pattern}"
    }
    if (rule.exists && !(value in (rule.names ?: [])) && !file(value).exists()) {
        return "expected ${[*(rule.names ?: []), 'an existing file or folder'].join(', ')}"
    }
    return null
}

// How many letters of one word have to change to make the other (Levenshtein's distance).
def distance(one, other) {
    def row = (0..other.size()).toList()
    one.eachWithIndex { letter, i ->
        def next = [i + 1]
        other.eachWithIndex { second, j ->
            next << [next[j] + 1, row[j + 1] + 1, row[j] + (letter == second ? 0 : 1)].min()
        }
        row = next
    }
    return row.last()
}

// Stops with one line at the first parameter that is unknown, missing or not what the schema asks for.
def checkParameters(values) {
    def rules = declared()
    values.each { name, value ->
        // Nextflow adds a parameter with hyphens in camelCase too.
        if (!rules.containsKey(name)) {
            def near = rules.keySet().min { known -> distance(known, name) }
            def hint = distance(near, name) <= 2 ? "did you mean --${near}?" : '--help lists all of them'
            error("unknown parameter --${name}: ${hint}")
        }
    }
    required().each { name ->
        if (values[name] == null) {
            error("missing parameter --${name}: ${rules[name].description}")
        }
    }
    rules.each { name, rule ->
        def value = values[name]
        def found = value == null ? null : problem(rule, value)
        if (found) {
            error("invalid parameter --${name} ${value}: ${found}")
        }
    }
}

def helpText(values) {
    def lines = ['', 'Usage: nextflow run main.nf --vcf VCF --fasta FASTA [-profile slurm,gpu]']
    schema()['$defs'].values().each { group ->
        lines << '' << "${group.title}:"
        group.properties.each { name, rule ->
            def shown = rule.default == null ? '' : " [default: ${rule.default}]"
            lines << "  --${name.padRight(20)} ${rule.description}${shown}"
        }
    }
    return lines.join('\n')
}
