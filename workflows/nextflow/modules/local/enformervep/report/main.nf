process ENFORMERVEP_REPORT {
    tag "${meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(scores), path(beside)
    tuple val(meta2), path(fasta), path(index)
    path model
    path gtf

    output:
    tuple val(meta), path("${prefix}.html"), emit: html
    path "versions.yml", emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}.report"
    def options = [
        fasta ? "--fasta ${fasta}" : '',
        model ? "--model ${model}" : '',
        gtf ? "--gtf ${gtf}" : '',
        args,
    ].findAll { option -> option }.join(' ')
    """
    export TF_NUM_INTRAOP_THREADS=${task.cpus}
    enformer-vep report ${scores} --out ${prefix}.html ${options}

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        enformer-vep: \$(enformer-vep --version | sed 's/.* //')
    END_VERSIONS
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}.report"
    """
    touch ${prefix}.html

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        enformer-vep: \$(enformer-vep --version | sed 's/.* //')
    END_VERSIONS
    """
}
