process ENFORMERVEP_MERGE {
    tag "${meta.id}"
    label 'process_single'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(tables), path(beside)

    output:
    tuple val(meta), path(out), path("${out}.*"), emit: scores
    path "versions.yml", emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}.enformer"
    out = "${prefix}.${task.ext.format ?: 'parquet'}"
    """
    enformer-vep merge ${out} ${tables} ${args}

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        enformer-vep: \$(enformer-vep --version | sed 's/.* //')
    END_VERSIONS
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}.enformer"
    out = "${prefix}.${task.ext.format ?: 'parquet'}"
    """
    touch ${out} ${out}.skipped.tsv ${out}.run.json

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        enformer-vep: \$(enformer-vep --version | sed 's/.* //')
    END_VERSIONS
    """
}
